// SPDX-License-Identifier: MIT
//
// What the tests of the guest side have in common: a CPU to run on and a console to read.
#pragma once

#include "lib/console/console.h"
#include "lib/irq/irq.h"
#include "lib/smp/smp.h"

#include <arch/cpu.h>

#include <cstdio>
#include <optional>
#include <regex>
#include <string>

namespace unit {

// An interrupt controller on which nothing happens. Tests that make interrupts bring their own.
class QuietController : public irq::Controller {
public:
    virtual ~QuietController() = default;
    [[nodiscard]] const char* name() const override { return "quiet"; }
    [[nodiscard]] Result<> init_cpu() override { return {}; }
    void enable(irq::Id id) override { enabled_ = id; }
    void disable(irq::Id) override { enabled_.reset(); }
    [[nodiscard]] bool enabled(irq::Id id) const override { return enabled_ == id; }
    [[nodiscard]] bool pending(irq::Id) const override { return false; }
    [[nodiscard]] bool active(irq::Id) const override { return false; }
    [[nodiscard]] std::optional<irq::Id> acknowledge() override { return std::nullopt; }
    void end(irq::Id) override {}
    [[nodiscard]] unsigned ipi_count() const override { return 0; }
    [[nodiscard]] irq::Id ipi(unsigned) const override { return {}; }
    [[nodiscard]] std::optional<unsigned> ipi_number(irq::Id) const override { return {}; }
    void send_ipi(unsigned, unsigned) override {}

private:
    std::optional<irq::Id> enabled_;
};

// A device that keeps what it is sent, without the CRs.
class TextDevice final : public console::Device {
public:
    [[nodiscard]] const char* name() const override { return "text"; }
    void put(char c) override
    {
        if (c != '\r') {
            text += c;
        }
    }
    void flush() override { ++flushes; }

    std::string text;
    int flushes = 0;
};

// While it exists the calling thread is CPU 0 and the console's text is in `console.text`. The
// machine it leaves behind has a console and a controller that do nothing.
class Guest {
public:
    Guest()
    {
        smp::adopt_boot_cpu(cpu);
        irq::set_controller(quiet_controller());
        // Earlier tests' CPU and device are gone, and what they said is not wanted.
        console::attach(console);
        console.text.clear();
    }
    ~Guest() { console::attach(nobody()); }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    // What was said, with "N us" for durations and "+T ms" for times.
    [[nodiscard]] std::string output() const
    {
        const std::string text =
            std::regex_replace(console.text, std::regex{"[0-9]+ us\\b"}, "N us");
        return std::regex_replace(text, std::regex{"\\+[0-9]+\\.[0-9]{3} ms"}, "+T ms");
    }

    TextDevice console;
    smp::Cpu cpu;

private:
    static TextDevice& nobody()
    {
        static TextDevice device;
        return device;
    }
    static QuietController& quiet_controller()
    {
        static QuietController controller;
        return controller;
    }
};

// For the tests of what ends the boot: the child process dies, so what is said goes to its standard
// error.
class DyingGuest {
public:
    DyingGuest()
    {
        smp::adopt_boot_cpu(cpu);
        irq::set_controller(controller);
        console::attach(console);
    }
    DyingGuest(const DyingGuest&) = delete;
    DyingGuest& operator=(const DyingGuest&) = delete;

    smp::Cpu cpu;
    QuietController controller;

private:
    class StandardError final : public console::Device {
    public:
        [[nodiscard]] const char* name() const override { return "stderr"; }
        void put(char c) override
        {
            if (c != '\r') {
                std::fputc(c, stderr);
            }
        }
        void flush() override { std::fflush(stderr); }
    };
    StandardError console;
};

}  // namespace unit
