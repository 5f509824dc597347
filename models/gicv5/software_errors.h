// SPDX-License-Identifier: MIT
//
// The IRS's report of software errors: the first one since the last clear, IRS_IDR0.SWE.
#pragma once

#include "models/gicv5/context.h"

#include "arm64/gic/gicv5/intid.h"
#include "arm64/gic/gicv5/irs_registers.h"

#include <cstdint>

namespace model::gicv5 {

class SoftwareErrors {
public:
    // IRS_SWERR_STATUSR.EC (assumed).
    enum Code : std::uint8_t {
        level1_update_failed = 0,
        level1_fetch_failed = 1,
        level2_access_failed = 2,
    };

    explicit SoftwareErrors(const Context& context) : context_{context} {}

    void report(Code code, std::uint32_t lpi, std::uint64_t address)
    {
        using namespace layout;
        if (!context_.configuration.software_errors ||
            context_.on(Fault::software_error_unreported)) {
            return;
        }
        if (status_[IRS_SWERR_STATUSR::V] != 0) {
            status_ = status_.with(IRS_SWERR_STATUSR::OF, 1);
            return;
        }
        status_ = IRS_SWERR_STATUSR{}
                      .with(IRS_SWERR_STATUSR::V, 1)
                      .with(IRS_SWERR_STATUSR::S0V, 1)
                      .with(IRS_SWERR_STATUSR::S1V, 1)
                      .with(IRS_SWERR_STATUSR::EC, code);
        syndrome0_ = IRS_SWERR_SYNDROMER0{}
                         .with(IRS_SWERR_SYNDROMER0::TYPE, static_cast<unsigned>(IntidType::lpi))
                         .with(IRS_SWERR_SYNDROMER0::ID, lpi);
        syndrome1_.raw = address & IRS_SWERR_SYNDROMER1::ADDR.mask();
    }

    // A write of V clears the report (assumed).
    void write_status(std::uint64_t value)
    {
        if (layout::IRS_SWERR_STATUSR::from(value)[layout::IRS_SWERR_STATUSR::V] != 0 &&
            !context_.on(Fault::software_error_not_cleared)) {
            status_ = {};
            syndrome0_ = {};
            syndrome1_ = {};
        }
    }
    [[nodiscard]] std::uint64_t status() const { return status_.raw; }
    [[nodiscard]] std::uint64_t syndrome0() const { return syndrome0_.raw; }
    [[nodiscard]] std::uint64_t syndrome1() const { return syndrome1_.raw; }

private:
    const Context& context_;
    layout::IRS_SWERR_STATUSR status_{};
    layout::IRS_SWERR_SYNDROMER0 syndrome0_{};
    layout::IRS_SWERR_SYNDROMER1 syndrome1_{};
};

}  // namespace model::gicv5
