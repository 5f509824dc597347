// SPDX-License-Identifier: MIT
//
// Exceptions in words: Intel SDM volume 3, 6.15; 4.7 (page faults).

#include "lib/console/console.h"
#include "x86/cpu/vectors.h"

#include <arch/exception.h>

#include <iterator>
#include <string_view>

namespace arch {

namespace {

std::string_view exception_name(std::uint64_t vector)
{
    switch (vector) {
    case x86::divide_error:
        return "divide error";
    case x86::debug:
        return "debug exception";
    case x86::nmi:
        return "unexpected NMI";
    case x86::breakpoint:
        return "breakpoint";
    case x86::overflow:
        return "overflow";
    case x86::bound_range:
        return "bound range exceeded";
    case x86::invalid_opcode:
        return "invalid opcode";
    case x86::device_not_available:
        return "device not available";
    case x86::double_fault:
        return "double fault";
    case x86::invalid_tss:
        return "invalid TSS";
    case x86::segment_not_present:
        return "segment not present";
    case x86::stack_fault:
        return "stack fault";
    case x86::general_protection:
        return "general protection";
    case x86::page_fault:
        return "page fault";
    case x86::x87_error:
        return "x87 floating-point error";
    case x86::alignment_check:
        return "alignment check";
    case x86::machine_check:
        return "machine check";
    case x86::simd_error:
        return "SIMD floating-point error";
    case x86::virtualization:
        return "virtualization exception";
    case x86::control_protection:
        return "control protection";
    case x86::hypervisor_injection:
        return "hypervisor injection";
    case x86::vmm_communication:
        return "VMM communication";
    case x86::security:
        return "security exception";
    case x86::system_call:
        return "system call";
    default:
        return vector < x86::first_interrupt ? "unknown exception" : "unexpected interrupt";
    }
}

bool is_exception(std::uint64_t vector)
{
    return vector < x86::first_interrupt || vector == x86::system_call;
}

// Of the bits of a page fault's error code: "write, not present".
void describe_page_fault(Sink& sink, std::uint64_t code)
{
    using namespace x86::page_fault_code;
    sink.write((code & instruction) != 0 ? "fetch" : (code & write) != 0 ? "write" : "read");
    if ((code & present) == 0) {
        sink.write(", not present");
    } else if ((code & reserved_bit) != 0) {
        sink.write(", reserved bit");
    } else {
        sink.write(", protection");
    }
    if ((code & protection_key) != 0) {
        sink.write(", protection key");
    }
    if ((code & shadow_stack) != 0) {
        sink.write(", shadow stack");
    }
}

struct NamedValue {
    std::string_view name;
    std::uint64_t value;
};

}  // namespace

void describe(Sink& sink, const Frame& frame)
{
    sink.write(exception_name(frame.vector));
    if (frame.vector == x86::page_fault) {
        sink.write(": ");
        describe_page_fault(sink, frame.error_code);
        format_to(sink, ", at {:#x}", frame.cr2);
    } else if (!is_exception(frame.vector)) {
        format_to(sink, " {:#x}", frame.vector);
    } else if (frame.error_code != 0) {
        format_to(sink, ": error code {:#x}", frame.error_code);
    }
    format_to(sink, " from ring{}", frame.cs & 3);
}

void print_frame(const Frame& frame, const char* prefix)
{
    // An interrupt is what stopped the CPU, not what is wrong with it.
    if (is_exception(frame.vector)) {
        TextBuffer<96> description;
        describe(description, frame);
        console::print("{}vector {}, error code {:#x}  {}\n", prefix, frame.vector,
                       frame.error_code, description.text());
        console::print("{}CR2 {:#018x}\n", prefix, frame.cr2);
    }
    if (frame.rip >= image_base() && frame.rip < image_end()) {
        console::print("{}RIP {:#018x}  image+{:#x}\n", prefix, frame.rip,
                       frame.rip - image_base());
    } else {
        console::print("{}RIP {:#018x}  outside the image\n", prefix, frame.rip);
    }
    console::print("{}CS {:#06x}  RFLAGS {:#010x}  SS {:#06x}  GS base {:#018x}\n", prefix,
                   frame.cs, frame.rflags, frame.ss, frame.gs_base);
    const NamedValue registers[]{
        {"rax", frame.rax}, {"rbx", frame.rbx}, {"rcx", frame.rcx}, {"rdx", frame.rdx},
        {"rsi", frame.rsi}, {"rdi", frame.rdi}, {"rbp", frame.rbp}, {"rsp", frame.rsp},
        {"r8", frame.r8},   {"r9", frame.r9},   {"r10", frame.r10}, {"r11", frame.r11},
        {"r12", frame.r12}, {"r13", frame.r13}, {"r14", frame.r14}, {"r15", frame.r15},
    };
    constexpr std::size_t per_line = 4;
    for (std::size_t i = 0; i < std::size(registers); i += per_line) {
        TextBuffer<128> line;
        for (std::size_t n = i; n < i + per_line; ++n) {
            format_to(line, "{}{:<3} {:#018x}", n == i ? "" : "  ", registers[n].name,
                      registers[n].value);
        }
        console::print("{}{}\n", prefix, line.text());
    }
}

}  // namespace arch
