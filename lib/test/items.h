// SPDX-License-Identifier: MIT
//
// Parameterised cases: each item of a table is a result of its own.
#pragma once

#include "lib/base/function_ref.h"

#include <cstddef>
#include <string_view>

namespace test {

// Reports one item of a table (a register, a field, a PPI) as a result of its own, nested under the
// case: "  ok 3 ID_AA64PFR0_EL1 # 0x1101000011111112". Checks made inside `body` belong to the
// item; ASSERT_* and skip() end the item only. `body` may call item_value().
//
//     test::Items items{std::size(slots)};
//     for (const auto& slot : slots) {
//         items.run(slot.name, [&] { ... });
//     }
//
// The case fails with an item that fails. It is skipped when every item was. An item that was
// announced and did not run is an error. Items are not nested in items.
class Items {
public:
    explicit Items(std::size_t count);  // prints the nested plan
    ~Items();
    Items(const Items&) = delete;
    Items& operator=(const Items&) = delete;

    void run(std::string_view name, FunctionRef<void()> body);

private:
    std::size_t count_;
    std::size_t number_ = 0;
    std::size_t skipped_ = 0;
};

}  // namespace test
