//! A tensor of an orchestration.

use core::marker::PhantomData;

use protocol::DataType;

use super::GraphError;

/// A region of device memory, alive for `'s`.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'s> {
    raw: aicore_abi::tensor::Tensor,
    life: PhantomData<&'s ()>,
}

impl Tensor<'_> {
    pub(super) const fn new(raw: aicore_abi::tensor::Tensor) -> Self {
        Self {
            raw,
            life: PhantomData,
        }
    }

    pub(super) const fn raw(&self) -> &aicore_abi::tensor::Tensor {
        &self.raw
    }

    /// Extents.
    #[must_use]
    pub fn shape(&self) -> &[u32] {
        self.raw.shape()
    }

    /// Element type.
    ///
    /// # Errors
    ///
    /// The descriptor names none.
    pub fn dtype(&self) -> Result<DataType, GraphError> {
        Ok(self.raw.data_type()?)
    }

    /// The part of `shape` elements from `offset` on.
    ///
    /// # Errors
    ///
    /// The part reaches outside.
    pub fn view(&self, shape: &[u32], offset: &[u32]) -> Result<Self, GraphError> {
        Ok(Self::new(self.raw.view(shape, offset, false)?))
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    ///
    /// The number of elements differs, or the rows of this view do not touch.
    pub fn reshape(&self, shape: &[u32]) -> Result<Self, GraphError> {
        Ok(Self::new(self.raw.reshape(shape, false)?))
    }

    /// The same elements with two dimensions swapped in name; no data moves.
    ///
    /// # Errors
    ///
    /// There are no such dimensions.
    pub fn transpose(&self, x: usize, y: usize) -> Result<Self, GraphError> {
        Ok(Self::new(self.raw.transpose(x, y, false)?))
    }

    /// The same region, whose accesses only named dependencies order.
    #[must_use]
    pub fn untracked(mut self) -> Self {
        self.raw.manual_dep = 1;
        self
    }

    pub(super) fn expect_type(&self, asked: DataType) -> Result<(), GraphError> {
        let found = self.dtype()?;
        if found == asked {
            return Ok(());
        }
        Err(GraphError::failed(
            protocol::error_code::RunError::InvalidArgs.code(),
            format!("an element of type {asked} was asked for, the tensor has {found}"),
        ))
    }
}
