// SPDX-License-Identifier: MIT
#include "lib/console/console.h"

#include "lib/console/channel.h"

namespace console {

namespace {

constinit Channel channel;

}  // namespace

Unit::Unit() : interrupts_{arch::mask_interrupts()}, locked_{channel.acquire()} {}

Unit::~Unit()
{
    if (locked_) {
        channel.release();
    }
    arch::restore_interrupts(interrupts_);
}

void Unit::write(std::string_view text)
{
    channel.write(text);
}

void Unit::begin_line()
{
    channel.begin_line();
}

void attach(Device& device)
{
    channel.attach(device);
}

void write(std::string_view text)
{
    Unit{}.write(text);
}

void flush()
{
    channel.flush();
}

void break_lock()
{
    channel.break_lock();
}

void detail::print(std::string_view pattern, std::span<const FormatArgument> arguments)
{
    Unit unit;
    format_arguments(unit, pattern, arguments);
}

}  // namespace console
