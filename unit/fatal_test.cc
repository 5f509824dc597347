// SPDX-License-Identifier: MIT
#include "lib/test/fatal.h"

#include "lib/irq/irq.h"
#include "lib/test/cpu_report.h"
#include "lib/test/record.h"
#include "lib/test/watchdog.h"
#include "unit/arch/host.h"
#include "unit/support/guest.h"
#include "unit/support/make_case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <unistd.h>

namespace {

using testing::AllOf;
using testing::ExitedWithCode;
using testing::HasSubstr;
using testing::Not;

constexpr arch::Frame frame{.pc = 0x1234, .frame_pointer = 0x2345};
constexpr test::Case running_case = unit::make_case("group.name");

void start_case()
{
    test::running.test = &running_case;
    test::running.number = 3;
}

TEST(FatalDeathTest, Crash)
{
    const auto crash = [] {
        const unit::DyingGuest guest;
        start_case();
        console::write("# half a li");
        test::crash(frame);
    };
    EXPECT_EXIT(crash(), ExitedWithCode(2),
                HasSubstr("# half a li\n"
                          "# crash: test exception on cpu0 in group.name\n"
                          "#   PC 0x0000000000001234\n"
                          "#   cpu0 backtrace (build 0123456789abcdef)\n"
                          "#     #0 image+0x234\n"
                          "#     #1 image+0x1345\n"
                          "not ok 3 group.name # ERROR crash: test exception on cpu0\n"
                          "Bail out! crash in group.name\n"));
}

TEST(FatalDeathTest, CrashOutsideOfACase)
{
    const auto crash = [] {
        const unit::DyingGuest guest;
        test::crash({.pc = 0, .frame_pointer = 0x9000});
    };
    EXPECT_EXIT(crash(), ExitedWithCode(2),
                AllOf(HasSubstr("# crash: test exception on cpu0\n"),
                      HasSubstr("#     #0 0x0 (outside the image)\n"
                                "#     #1 0x9000 (outside the image)\n"
                                "Bail out! crash: test exception\n"),
                      Not(HasSubstr("not ok"))));
}

TEST(FatalDeathTest, HangThatTheHarnessNoticed)
{
    const auto hang = [] {
        const unit::DyingGuest guest;
        start_case();
        test::hang("two CPUs wait", nullptr);
    };
    EXPECT_EXIT(hang(), ExitedWithCode(2),
                AllOf(HasSubstr("# hang: two CPUs wait on cpu0 in group.name\n"
                                "#   cpu0 backtrace (build 0123456789abcdef)\n"
                                "#     #1 "),
                      HasSubstr("not ok 3 group.name # ERROR hang: two CPUs wait on cpu0\n"
                                "Bail out! hang in group.name\n")));
}

TEST(FatalDeathTest, BailOut)
{
    const auto bail_out = [] {
        const unit::DyingGuest guest;
        test::bail_out("no memory");
    };
    EXPECT_EXIT(bail_out(), ExitedWithCode(2),
                HasSubstr("# error: no memory\nBail out! no memory\n"));
}

TEST(FatalDeathTest, ExceptionInsideTheReport)
{
    struct Faulty final : console::Device {
        [[nodiscard]] const char* name() const override { return "faulty"; }
        void put(char c) override
        {
            std::fputc(c, stderr);
            if (c == 'P') {
                test::crash(frame);
            }
        }
        void flush() override {}
    };
    const auto crash = [] {
        const unit::DyingGuest guest;
        Faulty device;
        console::attach(device);
        test::crash(frame);
    };
    EXPECT_EXIT(crash(), ExitedWithCode(2),
                HasSubstr("\r\n#   P\r\nBail out! another exception inside the report\r\n"));
}

TEST(FatalDeathTest, OtherCpus)
{
    const auto report = [] {
        const unit::DyingGuest guest;
        smp::Cpu cpus[5];
        for (unsigned i = 0; i < 5; ++i) {
            cpus[i].index = i;
            cpus[i].online = i != 4;
        }
        const auto body = [] {};
        const smp::Work work{body};
        cpus[2].work = &work;
        cpus[3].work = &work;
        arch::set_cpu_data(&cpus[0]);
        std::thread{[&] {
            arch::set_cpu_data(&cpus[2]);
            test::stop_and_answer({.pc = 0x1500, .frame_pointer = 0x1600});
        }}.detach();
        test::report_other_cpus(cpus);
        _exit(0);
    };
    EXPECT_EXIT(report(), ExitedWithCode(0),
                AllOf(HasSubstr("#   cpu1 idle\n"
                                "#   cpu2 backtrace (build 0123456789abcdef)\n"
                                "#     #0 image+0x500\n"
                                "#     #1 image+0x600\n"
                                "#   cpu3 does not answer; it was given 0x"),
                      Not(HasSubstr("cpu0")), Not(HasSubstr("cpu4"))));
}

TEST(FatalDeathTest, CrashOfASecondaryCpu)
{
    const auto crash = [] {
        const unit::DyingGuest guest;
        start_case();
        smp::Cpu second;
        second.index = 1;
        std::thread{[&second] {
            arch::set_cpu_data(&second);
            test::crash({.pc = 0x1111, .frame_pointer = 0x2222});
        }}.join();
    };
    EXPECT_EXIT(crash(), ExitedWithCode(2),
                AllOf(HasSubstr("# crash: test exception on cpu1 in group.name\n"),
                      HasSubstr("#   cpu0 does not answer\n"),
                      HasSubstr("not ok 3 group.name # ERROR crash: test exception on cpu1\n")));
}

// The watchdog's interrupt is always the next one.
class WatchdogController final : public unit::QuietController {
public:
    [[nodiscard]] std::optional<irq::Id> acknowledge() override { return irq::Id{30}; }
};

TEST(WatchdogDeathTest, InterruptReportsWhatItInterrupted)
{
    const auto expire = [] {
        unit::DyingGuest guest;
        WatchdogController controller;
        irq::set_controller(controller);
        start_case();
        {
            const test::Watchdog early{1};
        }
        const bool off = !controller.enabled({30}) && !host::deadline();
        const test::Watchdog watchdog{5};
        const bool on = controller.enabled({30}) && host::deadline();
        console::print("# off {} on {}\n", off, on);
        guest.cpu.interrupted = &frame;
        irq::dispatch();
    };
    EXPECT_EXIT(expire(), ExitedWithCode(2),
                HasSubstr("# off true on true\n"
                          "# hang: no end after 5 s on cpu0 in group.name\n"
                          "#   PC 0x0000000000001234\n"));
}

TEST(Watchdog, ZeroIsNoLimit)
{
    const unit::Guest guest;
    const test::Watchdog watchdog{0};
    host::advance_counter(1'000'000'000'000);
    test::check_deadline();
    EXPECT_EQ(guest.console.text, "");
}

}  // namespace
