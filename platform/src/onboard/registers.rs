//! The table of register bases, indexed by what a core says its physical id is.
//!
//! Knows how each family's windows are asked for and laid out. A question that is not answered is an
//! error: a table with made-up addresses would only fail later, on the chip, where nobody can tell why.

use protocol::Arch;

use crate::cann::{Bound, Error};

use super::family::RegisterSpace;

/// Register bases of a chip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegisterTable {
    /// By physical id; 0 for a core that does not work.
    pub(crate) bases: Vec<u64>,
}

impl RegisterTable {
    /// Asks the driver for the registers of a chip of family `A`.
    pub(crate) fn discover<A: Arch>(
        bound: &Bound<'_>,
        space: RegisterSpace,
    ) -> Result<Self, Error> {
        let clusters = A::PHYSICAL_CLUSTERS;
        match space {
            RegisterSpace::Window { cluster, core } => {
                let (start, _) = bound.map_registers(false)?;
                let working = bound.working_clusters()?;
                Ok(Self::window(clusters, start, working, (cluster, core)))
            }
            RegisterSpace::PerCluster {
                bytes,
                core,
                per_die,
            } => {
                let windows: Result<Vec<u64>, Error> = (0..clusters)
                    .map(|index| bound.map_cluster(index, bytes))
                    .collect();
                Ok(Self::per_cluster(&windows?, core, per_die))
            }
        }
    }

    fn window(clusters: u32, start: u64, working: u64, (cluster, core): (u64, u64)) -> Self {
        let base = |index: u32, lane: u64| match working >> index & 1 {
            0 => 0,
            _ => start + u64::from(index) * cluster + lane * core,
        };
        let first = (0..clusters).map(|index| base(index, 0));
        let others = (0..clusters).flat_map(|index| [base(index, 1), base(index, 2)]);
        Self {
            bases: first.chain(others).collect(),
        }
    }

    fn per_cluster(windows: &[u64], core: u64, per_die: u32) -> Self {
        let per_die = usize::try_from(per_die).expect("a few dozen");
        let bases = windows
            .chunks(per_die)
            .flat_map(|die| {
                let first = die.iter().copied();
                let others = die.iter().flat_map(|&base| [base + core, base + 2 * core]);
                first.chain(others).collect::<Vec<_>>()
            })
            .collect();
        Self { bases }
    }

    /// Which entries are cores that work, one bit each.
    pub(crate) fn usable(&self) -> [u64; 2] {
        let mut words = [0; 2];
        for (id, _) in self
            .bases
            .iter()
            .enumerate()
            .filter(|(_, base)| **base != 0)
        {
            words[id / 64] |= 1 << (id % 64);
        }
        words
    }

    /// Clusters that work.
    pub(crate) fn clusters(&self) -> u32 {
        let cores = self.bases.iter().filter(|base| **base != 0).count();
        u32::try_from(cores / 3).expect("a few dozen")
    }
}

#[cfg(test)]
mod tests {
    use super::RegisterTable;

    #[test]
    fn a_missing_cluster_has_no_registers_and_moves_nothing() {
        let table = RegisterTable::window(
            25,
            0x1000_0000,
            0x1ff_ffff & !(1 << 7),
            (0x80_0000, 0x10_0000),
        );
        assert_eq!(table.bases.len(), 75);
        assert_eq!(table.bases[6], 0x1000_0000 + 6 * 0x80_0000);
        assert_eq!(
            (table.bases[7], table.bases[25 + 14], table.bases[25 + 15]),
            (0, 0, 0)
        );
        assert_eq!(
            table.bases[25 + 2 * 8 + 1],
            0x1000_0000 + 8 * 0x80_0000 + 0x20_0000
        );
        assert_eq!(table.clusters(), 24);
        assert_eq!(table.usable()[0] >> 7 & 1, 0);
        assert_eq!(
            table.usable()[0].count_ones() + table.usable()[1].count_ones(),
            72
        );
    }

    #[test]
    fn dies_lie_one_behind_the_other() {
        let windows: Vec<u64> = (1..=36).map(|index| index << 32).collect();
        let table = RegisterTable::per_cluster(&windows, 0x10_0000, 18);
        assert_eq!(table.bases.len(), 108);
        assert_eq!(table.bases[17], 18 << 32);
        assert_eq!(table.bases[18 + 2 * 17 + 1], (18 << 32) + 0x20_0000);
        assert_eq!(table.bases[54], 19 << 32);
        assert_eq!(table.bases[54 + 18], (19 << 32) + 0x10_0000);
        assert_eq!(table.clusters(), 36);
    }
}
