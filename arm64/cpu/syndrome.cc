// SPDX-License-Identifier: MIT
//
// ESR_ELx in words: Arm ARM (DDI 0487) D24.2.40.

#include "lib/console/console.h"

#include <arch/exception.h>

#include <iterator>
#include <string_view>

namespace arch {

namespace {

std::string_view class_name(unsigned exception_class)
{
    switch (exception_class) {
    case 0x00:
        return "undefined instruction";
    case 0x01:
        return "trapped WFI or WFE";
    case 0x07:
        return "trapped FP or SIMD access";
    case 0x09:
        return "trapped pointer authentication";
    case 0x0d:
        return "branch target";
    case 0x0e:
        return "illegal execution state";
    case 0x15:
        return "SVC";
    case 0x16:
        return "HVC";
    case 0x17:
        return "SMC";
    case 0x18:
        return "trapped system register access";
    case 0x19:
        return "trapped SVE access";
    case 0x1c:
        return "pointer authentication failure";
    case 0x20:
        return "instruction abort, lower EL";
    case 0x21:
        return "instruction abort, same EL";
    case 0x22:
        return "PC alignment";
    case 0x24:
        return "data abort, lower EL";
    case 0x25:
        return "data abort, same EL";
    case 0x26:
        return "SP alignment";
    case 0x27:
        return "memory copy or set";
    case 0x2c:
        return "floating point";
    case 0x2d:
        return "guarded control stack";
    case 0x2f:
        return "SError";
    case 0x30:
        return "breakpoint, lower EL";
    case 0x31:
        return "breakpoint, same EL";
    case 0x32:
        return "software step, lower EL";
    case 0x33:
        return "software step, same EL";
    case 0x34:
        return "watchpoint, lower EL";
    case 0x35:
        return "watchpoint, same EL";
    case 0x3c:
        return "BRK";
    default:
        return "unknown exception class";
    }
}

struct FaultStatus {
    std::string_view name;
    bool has_level;
};

FaultStatus fault_status(unsigned code)
{
    switch (code >> 2) {
    case 0:
        return {"address size fault", true};
    case 1:
        return {"translation fault", true};
    case 2:
        return {"access flag fault", true};
    case 3:
        return {"permission fault", true};
    case 5:
        return {"external abort on a table walk", true};
    default:
        break;
    }
    switch (code) {
    case 0x10:
        return {"external abort", false};
    case 0x21:
        return {"alignment fault", false};
    case 0x30:
        return {"TLB conflict", false};
    case 0x35:
        return {"unsupported atomic or exclusive access", false};
    default:
        return {"unknown fault status", false};
    }
}

void describe_abort(Sink& sink, std::uint32_t iss, bool data)
{
    const FaultStatus status = fault_status(iss & 0x3f);
    format_to(sink, ": {}", status.name);
    if (status.has_level) {
        format_to(sink, " level {}", iss & 3);
    }
    if (data) {
        sink.write((iss & (1U << 6)) != 0 ? ", write" : ", read");
    }
}

void describe_register_trap(Sink& sink, std::uint32_t iss)
{
    format_to(sink, ": {} S{}_{}_C{}_C{}_{}", (iss & 1) != 0 ? "MRS" : "MSR", (iss >> 20) & 3,
              (iss >> 14) & 7, (iss >> 10) & 15, (iss >> 1) & 15, (iss >> 17) & 7);
}

}  // namespace

void describe_syndrome(Sink& sink, std::uint64_t esr)
{
    const Exception exception{esr, 0, 0, 0, 0};
    const unsigned exception_class = exception.exception_class();
    sink.write(class_name(exception_class));
    switch (exception_class) {
    case 0x15:
    case 0x16:
    case 0x17:
    case 0x3c:
        format_to(sink, " #{}", exception.iss() & 0xffff);
        break;
    case 0x18:
        describe_register_trap(sink, exception.iss());
        break;
    case 0x20:
    case 0x21:
        describe_abort(sink, exception.iss(), false);
        break;
    case 0x24:
    case 0x25:
        describe_abort(sink, exception.iss(), true);
        break;
    default:
        break;
    }
}

void describe(Sink& sink, const Frame& frame)
{
    static constexpr std::string_view asynchronous[]{"", "unexpected IRQ", "unexpected FIQ",
                                                     "SError"};
    if (frame.kind == 0) {
        describe_syndrome(sink, frame.esr);
    } else {
        sink.write(asynchronous[frame.kind % std::size(asynchronous)]);
    }
    format_to(sink, " from EL{}", (frame.spsr >> 2) & 3);
}

void print_frame(const Frame& frame, const char* prefix)
{
    if (frame.kind == 0) {
        TextBuffer<96> syndrome;
        describe_syndrome(syndrome, frame.esr);
        console::print("{}ESR  {:#018x}  {}\n", prefix, frame.esr, syndrome.text());
        console::print("{}FAR  {:#018x}\n", prefix, frame.far);
    }
    if (frame.elr >= image_base() && frame.elr < image_end()) {
        console::print("{}ELR  {:#018x}  image+{:#x}\n", prefix, frame.elr,
                       frame.elr - image_base());
    } else {
        console::print("{}ELR  {:#018x}  outside the image\n", prefix, frame.elr);
    }
    console::print("{}SPSR {:#018x}  SP {:#018x}\n", prefix, frame.spsr, frame.sp);
    for (unsigned i = 0; i < 31; i += 4) {
        TextBuffer<128> line;
        for (unsigned n = i; n < i + 4 && n < 31; ++n) {
            format_to(line, "{}x{:<2} {:#018x}", n == i ? "" : "  ", n, frame.x[n]);
        }
        console::print("{}{}\n", prefix, line.text());
    }
}

}  // namespace arch
