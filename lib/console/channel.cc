// SPDX-License-Identifier: MIT
#include "lib/console/channel.h"

#include "lib/console/console.h"

namespace console {

void Channel::put(char c)
{
    if (device_ != nullptr) {
        if (c == '\n') {
            device_->put('\r');
        }
        device_->put(c);
    } else if (early_size_ < early_capacity) {
        early_[early_size_++] = c;
    } else {
        ++early_lost_;
    }
}

void Channel::attach(Device& device)
{
    const bool locked = acquire();
    device_ = &device;
    for (std::size_t i = 0; i < early_size_; ++i) {
        put(early_[i]);
    }
    if (early_lost_ != 0) {
        TextBuffer<64> note;
        format_to(note, "\n# note: {} bytes of early output were lost\n", early_lost_);
        for (const char c : note.text()) {
            put(c);
        }
        line_open_ = false;
    }
    early_size_ = early_lost_ = 0;
    if (locked) {
        release();
    }
}

bool Channel::acquire()
{
    while (!broken_.load(std::memory_order_acquire)) {
        if (lock_.try_lock()) {
            return true;
        }
        arch::relax();
    }
    return false;
}

void Channel::write(std::string_view text)
{
    for (const char c : text) {
        if (muted()) {
            return;
        }
        line_open_ = c != '\n';
        put(c);
    }
}

void Channel::begin_line()
{
    if (line_open_) {
        write("\n");
    }
}

void Channel::flush()
{
    if (device_ != nullptr) {
        device_->flush();
    }
}

void Channel::break_lock()
{
    owner_ = arch::cpu_data();
    broken_.store(true, std::memory_order_release);
    begin_line();
}

}  // namespace console
