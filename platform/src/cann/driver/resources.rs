//! What a chip has, and what of it is mapped.
//!
//! Knows the questions about cores and control CPUs, registers, and memory that host and device share. Refuses to know
//! what is read and written there.

use core::ptr::null_mut;

use super::{Bound, call, pointer};
use crate::cann::error::Error;
use crate::cann::sys;

impl Bound<'_> {
    /// Which clusters of cores work, one bit each.
    pub(crate) fn working_clusters(&self) -> Result<u64, Error> {
        let mut words = [0_u64; 2];
        let mut size = i32::try_from(size_of_val(&words)).expect("sixteen");
        call!(
            self,
            hal.halGetDeviceInfoByBuff(
                self.driver.hal_device,
                sys::MODULE_AICORE,
                sys::INFO_OCCUPY,
                (&raw mut words).cast(),
                &raw mut size,
            )
        )?;
        Ok(words[0])
    }

    /// Which control CPUs kernels may use, one bit each.
    pub(crate) fn usable_cpus(&self) -> Result<u64, Error> {
        let mut value = 0_i64;
        call!(
            self,
            hal.halGetDeviceInfo(
                self.driver.hal_device,
                sys::MODULE_AICPU,
                sys::INFO_OCCUPY,
                &raw mut value,
            )
        )?;
        Ok(value.cast_unsigned())
    }

    /// Maps the registers of all cores; where they are and how far they reach.
    pub(crate) fn map_registers(&self, counters: bool) -> Result<(u64, u64), Error> {
        let kind = if counters {
            sys::ADDRESS_AIC_PMU
        } else {
            sys::ADDRESS_AIC_CONTROL
        };
        let mut question = sys::AddrMapIn {
            addr_type: kind,
            devid: self.driver.hal_device,
        };
        let mut answer = sys::AddrMapOut::default();
        call!(
            self,
            hal.halMemCtl(
                sys::MEMCTL_ADDRESS_MAP,
                (&raw mut question).cast(),
                size_of::<sys::AddrMapIn>(),
                &raw mut answer,
                null_mut(),
            )
        )?;
        if answer.ptr == 0 {
            return Err(self.answer(
                "halMemCtl",
                "address 0".to_owned(),
                "the address of the registers",
            ));
        }
        Ok((answer.ptr, answer.len))
    }

    /// Maps the registers of one cluster, `bytes` of them, for the AICPU's process.
    pub(crate) fn map_cluster(&self, cluster: u32, bytes: u32) -> Result<u64, Error> {
        let mut question = cluster_question(cluster);
        let (mut address, mut length) = (0, bytes);
        call!(
            self,
            hal.halResMap(
                self.driver.hal_device,
                &raw mut question,
                &raw mut address,
                &raw mut length,
            )
        )?;
        if address == 0 || length < bytes {
            let answer = format!("{length} bytes at {address:#x} for cluster {cluster}");
            return Err(self.answer("halResMap", answer, "all registers of the cluster"));
        }
        Ok(address)
    }

    /// Makes device memory visible to the host.
    pub(crate) fn host_register(&self, address: u64, bytes: u64) -> Result<*mut u8, Error> {
        let mut view = null_mut();
        call!(
            self,
            hal.halHostRegister(
                pointer(address),
                bytes,
                sys::REGISTER_DEVICE_FOR_HOST,
                self.driver.hal_device,
                &raw mut view,
            )
        )?;
        if view.is_null() {
            return Err(self.answer("halHostRegister", "null".to_owned(), "a host address"));
        }
        Ok(view.cast())
    }

    /// Takes the host's view of device memory back.
    pub(crate) fn host_unregister(&self, address: u64) -> Result<(), Error> {
        call!(
            self,
            hal.halHostUnregister(pointer(address), self.driver.hal_device)
        )
    }

    fn answer(&self, function: &'static str, answer: String, expected: &'static str) -> Error {
        Error::Answer {
            function,
            device: self.driver.device,
            answer,
            expected,
        }
    }
}

const fn cluster_question(cluster: u32) -> sys::ResMapInfo {
    sys::ResMapInfo {
        target_proc_type: sys::PROCESS_AICPU,
        res_type: sys::RESOURCE_AICORE,
        res_id: cluster,
        flag: 0,
        rsv: [0],
    }
}
