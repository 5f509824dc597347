// SPDX-License-Identifier: MIT
#include "lib/console/channel.h"
#include "unit/support/guest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace {

using testing::EndsWith;
using testing::StartsWith;

class RawDevice final : public console::Device {
public:
    [[nodiscard]] const char* name() const override { return "raw"; }
    void put(char c) override { text += c; }
    void flush() override {}

    std::string text;
};

TEST(Channel, EarlyTextIsReplayedToTheFirstDevice)
{
    console::Channel channel;
    channel.write("early\n");
    RawDevice first;
    channel.attach(first);
    channel.write("late\n");
    EXPECT_EQ(first.text, "early\r\nlate\r\n");
    RawDevice second;
    channel.attach(second);
    EXPECT_EQ(second.text, "");
}

TEST(Channel, LostEarlyTextIsCounted)
{
    console::Channel channel;
    channel.write(std::string(4096, 'a'));
    channel.write("12345");
    unit::TextDevice device;
    channel.attach(device);
    EXPECT_THAT(device.text, StartsWith("aaaa"));
    EXPECT_THAT(device.text, EndsWith("a\n# note: 5 bytes of early output were lost\n"));
}

TEST(Channel, FlushReachesTheDevice)
{
    console::Channel channel;
    channel.flush();
    unit::TextDevice device;
    channel.attach(device);
    channel.flush();
    EXPECT_EQ(device.flushes, 1);
}

TEST(Channel, BrokenLockBeginsALineAndMutesOtherCpus)
{
    console::Channel channel;
    unit::TextDevice device;
    channel.attach(device);
    ASSERT_TRUE(channel.acquire());
    channel.write("half a li");
    arch::CpuData reporter;
    arch::set_cpu_data(&reporter);
    channel.break_lock();
    EXPECT_FALSE(channel.acquire());
    channel.write("report");
    std::thread{[&channel] {
        arch::CpuData other;
        arch::set_cpu_data(&other);
        EXPECT_FALSE(channel.acquire());
        channel.write("noise");
    }}.join();
    EXPECT_EQ(device.text, "half a li\nreport");
    arch::set_cpu_data(nullptr);
}

TEST(Console, UnitsAreNotMixed)
{
    const unit::Guest guest;
    const auto speak = [](const char* word) {
        for (int i = 0; i < 100; ++i) {
            console::Unit unit;
            format_to(unit, "{}", word);
            std::this_thread::yield();
            format_to(unit, "{}\n", word);
        }
    };
    std::thread other{speak, "b"};
    speak("a");
    other.join();
    const std::string lines = std::regex_replace(guest.console.text, std::regex{"aa\n|bb\n"}, "");
    EXPECT_EQ(lines, "");
    EXPECT_EQ(guest.console.text.size(), 600U);
}

TEST(Console, UnitMasksInterrupts)
{
    const auto before = arch::unmask_interrupts();
    {
        const console::Unit unit;
        EXPECT_TRUE(arch::interrupts_masked());
    }
    EXPECT_FALSE(arch::interrupts_masked());
    arch::restore_interrupts(before);
}

TEST(Console, PrintFormats)
{
    const unit::Guest guest;
    console::print("{} {:#x}\n", "text", 31U);
    console::write("as it is {}\n");
    EXPECT_EQ(guest.console.text, "text 0x1f\nas it is {}\n");
}

}  // namespace
