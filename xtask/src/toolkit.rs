//! Toolkits of the vendor's, and what stands for one where there is none.

/// Headers with CANN's names that stand for a toolkit.
pub(crate) const TOOLKIT: &str = "tests/virtual-ascend/toolkit";
/// What names a toolkit.
pub(crate) const TOOLKIT_VARIABLES: [&str; 2] = ["ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"];
