// SPDX-License-Identifier: MIT
#include "lib/pci/function.h"
#include "lib/pci/host_bridge.h"
#include "unit/support/device_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace pci;
using testing::ElementsAre;

// The configuration space of a function, byte for byte. BARs keep the bits their size leaves them;
// everything else that is written stays.
class FakeFunction {
public:
    explicit FakeFunction(Id id)
    {
        set<VENDOR_ID>(id.vendor);
        set<DEVICE_ID>(id.device);
    }

    template <typename R>
    void set(typename R::raw_type value, std::size_t index = 0)
    {
        std::memcpy(&bytes_.at(R::offset + index * R::stride), &value, sizeof value);
    }
    template <typename R>
    [[nodiscard]] R get(std::size_t index = 0) const
    {
        R value{};
        std::memcpy(&value.raw, &bytes_.at(R::offset + index * R::stride), sizeof value.raw);
        return value;
    }

    void add_memory_bar(unsigned index, std::uint64_t size, bool wide)
    {
        bar_masks_.at(index) = static_cast<std::uint32_t>(~(size - 1));
        set<BAR>(wide ? 4 : 0, index);
        if (wide) {
            bar_masks_.at(index + 1) = static_cast<std::uint32_t>(~(size - 1) >> 32);
        }
    }
    void add_msi(std::uint8_t at, bool wide, std::uint8_t next = 0)
    {
        set<CAPABILITY_ID>(msi_capability, at);
        set<NEXT_CAPABILITY>(next, at);
        set<MSI_CONTROL>(wide ? 0x80 : 0, at);
    }
    void set_capabilities(std::uint8_t first)
    {
        set<STATUS>(0x10);
        set<CAPABILITIES_POINTER>(first);
    }

    template <typename R>
    void write(R value, std::size_t index)
    {
        if constexpr (R::offset == BAR::offset && sizeof(value.raw) == 4) {
            const std::uint32_t mask = bar_masks_.at(index);
            const std::uint32_t kind = get<BAR>(index).raw & ~mask & 0xf;
            set<BAR>((value.raw & mask) | kind, index);
            saw_probe_while_decoding |= value.raw == ~0U && get<COMMAND>()[COMMAND::MEMORY] != 0;
        } else {
            set<R>(value.raw, index);
        }
    }

    bool saw_probe_while_decoding = false;

private:
    std::array<std::uint8_t, 256> bytes_{};
    std::array<std::uint32_t, bar_count> bar_masks_{};
};

// The provider. A null one is where no function is: all ones.
struct FakeConfig {
    FakeFunction* function;

    template <typename R>
    [[nodiscard]] R read(std::size_t index = 0) const
    {
        return function == nullptr ? R::from(static_cast<R::raw_type>(~0ULL))
                                   : function->get<R>(index);
    }
    template <typename R>
    void write(R value, std::size_t index = 0) const
    {
        function->write(value, index);
    }
};

class PciFunctionTest : public testing::Test {
protected:
    FakeFunction fake_{edu};
    Function<FakeConfig> function_{{.bus = 0, .device = 2}, FakeConfig{&fake_}};
};

TEST(Pci, AddressesAreRequesterIds)
{
    EXPECT_EQ((Address{.bus = 1, .device = 31, .function = 7}.requester_id()), 0x1ffu);
    EXPECT_EQ((Address{.bus = 0xff}.requester_id()), 0xff00u);
}

TEST(Pci, FindLooksAtEveryFunctionThereIs)
{
    FakeFunction bridge{{.vendor = 0x1b36, .device = 8}};
    FakeFunction multi{{.vendor = 0x8086, .device = 1}};
    FakeFunction wanted{edu};
    FakeFunction hidden{{.vendor = 0x1af4, .device = 0x1000}};
    multi.set<HEADER_TYPE>(0x80);
    std::map<std::uint32_t, FakeFunction*> functions{
        {0x00, &bridge}, {0x07, &hidden}, {0x18, &multi}, {0x1d, &wanted}};
    std::vector<std::uint32_t> looked_at;
    const auto config = [&](Address address) {
        looked_at.push_back(address.requester_id());
        const auto found = functions.find(address.requester_id());
        return FakeConfig{found == functions.end() ? nullptr : found->second};
    };

    const auto found = find(0, edu, config);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->address(), (Address{.bus = 0, .device = 3, .function = 5}));
    EXPECT_EQ(found->id(), edu);
    EXPECT_THAT(looked_at, ElementsAre(0x00, 0x08, 0x10, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d));

    looked_at.clear();
    EXPECT_FALSE(find(0, {.vendor = 0x1af4, .device = 0x1000}, config));  // no function 0 says so
    EXPECT_EQ(looked_at.size(), 32u + 7u);
    EXPECT_FALSE(find(1, edu, config));
}

TEST_F(PciFunctionTest, BarsTellTheirSize)
{
    fake_.add_memory_bar(0, 1U << 20, false);
    fake_.add_memory_bar(2, std::uint64_t{1} << 33, true);
    fake_.set<COMMAND>(0x2);
    const auto small = function_.memory_bar(0);
    ASSERT_TRUE(small) << small.error().what;
    EXPECT_EQ(small->size, 1U << 20);
    EXPECT_FALSE(small->wide);
    const auto large = function_.memory_bar(2);
    ASSERT_TRUE(large) << large.error().what;
    EXPECT_EQ(large->size, std::uint64_t{1} << 33);
    EXPECT_TRUE(large->wide);
    EXPECT_FALSE(fake_.saw_probe_while_decoding);
    EXPECT_EQ(fake_.get<COMMAND>().raw, 0x2u);
}

TEST_F(PciFunctionTest, AskingABarLeavesItsAddress)
{
    fake_.add_memory_bar(2, 1U << 16, true);
    function_.set_address({.index = 2, .size = 0, .wide = true, .address = 0}, 0x12'3456'0000);
    const auto bar = function_.memory_bar(2);
    ASSERT_TRUE(bar) << bar.error().what;
    EXPECT_EQ(bar->address, 0x12'3456'0000u);
    EXPECT_EQ(fake_.get<BAR>(2).raw, 0x3456'0004u);
    EXPECT_EQ(fake_.get<BAR>(3).raw, 0x12u);
}

TEST_F(PciFunctionTest, UnusableBarsAreErrors)
{
    fake_.set<BAR>(1, 1);
    fake_.set<BAR>(4, 5);
    EXPECT_STREQ(function_.memory_bar(0).error().what, "PCI BAR is not implemented");
    EXPECT_STREQ(function_.memory_bar(1).error().what, "PCI BAR is for I/O ports");
    EXPECT_STREQ(function_.memory_bar(5).error().what, "PCI BAR of 64 bits has no upper half");
    EXPECT_STREQ(function_.memory_bar(6).error().what, "PCI function has no such BAR");
}

TEST_F(PciFunctionTest, CapabilitiesAreAList)
{
    fake_.set<CAPABILITIES_POINTER>(0x40);
    fake_.add_msi(0x50, true);
    fake_.set<CAPABILITY_ID>(0x01, 0x40);
    fake_.set<NEXT_CAPABILITY>(0x52, 0x40);              // the lower two bits are reserved
    EXPECT_FALSE(function_.capability(msi_capability));  // STATUS says there is no list
    fake_.set_capabilities(0x40);
    EXPECT_EQ(function_.capability(msi_capability), 0x50u);
    EXPECT_EQ(function_.capability(0x01), 0x40u);
    EXPECT_FALSE(function_.capability(0x11));
}

TEST_F(PciFunctionTest, ACircleOfCapabilitiesEnds)
{
    fake_.set_capabilities(0x40);
    fake_.set<NEXT_CAPABILITY>(0x40, 0x40);
    EXPECT_FALSE(function_.capability(msi_capability));
    fake_.set<NEXT_CAPABILITY>(0x10, 0x40);  // into the header
    EXPECT_FALSE(function_.capability(msi_capability));
}

TEST_F(PciFunctionTest, MsiWith64BitAddresses)
{
    fake_.set_capabilities(0x40);
    fake_.add_msi(0x40, true);
    fake_.set<MSI_CONTROL>(0x80 | 0x4 | 0x50, 0x40);  // 4 messages, 32 enabled by somebody
    EXPECT_TRUE(function_.enable_msi(0x12'0801'0040, 0x77));
    EXPECT_EQ(fake_.get<MSI_ADDRESS>(0x40).raw, 0x0801'0040u);
    EXPECT_EQ(fake_.get<MSI_ADDRESS_UPPER>(0x40).raw, 0x12u);
    EXPECT_EQ(fake_.get<MSI_DATA_64>(0x40).raw, 0x77u);
    EXPECT_EQ(fake_.get<MSI_CONTROL>(0x40).raw, 0x85u);
    function_.disable_msi();
    EXPECT_EQ(fake_.get<MSI_CONTROL>(0x40).raw, 0x84u);
}

TEST_F(PciFunctionTest, MsiWith32BitAddresses)
{
    EXPECT_STREQ(function_.enable_msi(0, 0).error().what, "PCI function has no MSI capability");
    fake_.set_capabilities(0x40);
    fake_.add_msi(0x40, false);
    EXPECT_TRUE(function_.enable_msi(0x0801'0040, 0x77));
    EXPECT_EQ(fake_.get<MSI_DATA_32>(0x40).raw, 0x77u);
    EXPECT_EQ(fake_.get<MSI_CONTROL>(0x40).raw, 0x1u);
    EXPECT_FALSE(function_.enable_msi(0x12'0801'0040, 0x77));
    EXPECT_EQ(fake_.get<MSI_CONTROL>(0x40).raw, 0x0u);
}

TEST_F(PciFunctionTest, IntxCanBeSwitched)
{
    fake_.set<INTERRUPT_PIN>(1);
    fake_.set<COMMAND>(0x6);
    EXPECT_EQ(function_.interrupt_pin(), 1u);
    function_.enable_intx(false);
    EXPECT_EQ(fake_.get<COMMAND>().raw, 0x406u);
    function_.enable_intx(true);
    EXPECT_EQ(fake_.get<COMMAND>().raw, 0x6u);
}

// --- The host bridge -----------------------------------------------------------------------------

class HostBridgeTest : public testing::Test {
protected:
    static HostBridge open(const unit::DeviceTree& tree)
    {
        auto bridge = HostBridge::open(*tree->find_compatible("pci-host-ecam-generic"));
        EXPECT_TRUE(bridge) << bridge.error().what;
        return *bridge;
    }
    Result<fdt::Region> assign(HostBridge& bridge, FakeFunction& fake, unsigned index = 0)
    {
        return bridge.assign(Function{Address{}, FakeConfig{&fake}}, index);
    }

    unit::DeviceTree gicv3_{"qemu-11.1-gicv3"};
    unit::DeviceTree gicv5_{"qemu-11.1-gicv5"};
};

TEST_F(HostBridgeTest, ConfigurationSpaceIsAnEcam)
{
    const HostBridge bridge = open(gicv5_);
    EXPECT_EQ(bridge.first_bus(), 0u);
    EXPECT_EQ(bridge.bus_config(0), (fdt::Region{0x40'1000'0000, 0x10'0000}));
    EXPECT_EQ(bridge.config({.bus = 1, .device = 2, .function = 3}), 0x40'1011'3000u);
}

TEST_F(HostBridgeTest, BarsGetAddressesOneAfterTheOther)
{
    HostBridge bridge = open(gicv5_);
    FakeFunction fake{edu};
    fake.add_memory_bar(0, 0x1000, false);
    fake.add_memory_bar(1, 0x10'0000, false);
    fake.add_memory_bar(2, std::uint64_t{1} << 35, true);  // too large for the lower window
    EXPECT_EQ(assign(bridge, fake, 0), (fdt::Region{0x1000'0000, 0x1000}));
    EXPECT_EQ(assign(bridge, fake, 1), (fdt::Region{0x1010'0000, 0x10'0000}));
    EXPECT_EQ(assign(bridge, fake, 2), (fdt::Region{0x80'0000'0000, std::uint64_t{1} << 35}));
    EXPECT_EQ(fake.get<BAR>(1).raw, 0x1010'0000u);
    EXPECT_EQ(fake.get<BAR>(3).raw, 0x80u);
    EXPECT_EQ(fake.get<COMMAND>().raw, 0x6u);

    fake.add_memory_bar(0, 0x4000'0000, false);  // as large, and 32 bits
    const auto full = assign(bridge, fake, 0);
    ASSERT_FALSE(full);
    EXPECT_STREQ(full.error().what, "PCI host bridge has no room for a BAR of this size");
}

TEST_F(HostBridgeTest, AnAddressThatSomebodyGaveStays)
{
    HostBridge bridge = open(gicv5_);
    FakeFunction fake{edu};
    fake.add_memory_bar(0, 0x1000, false);
    fake.set<BAR>(0x2000'0000, 0);
    EXPECT_EQ(assign(bridge, fake), (fdt::Region{0x2000'0000, 0x1000}));
    fake.set<BAR>(0x5000'0000, 0);  // where no window is
    EXPECT_EQ(assign(bridge, fake), (fdt::Region{0x2000'1000, 0x1000}));
}

TEST_F(HostBridgeTest, IntxGoesThroughTheMap)
{
    const auto intx = open(gicv5_).interrupt({.bus = 0, .device = 2}, 1);
    ASSERT_TRUE(intx) << intx.error().what;
    EXPECT_THAT(std::span(intx->cells).first(intx->count), ElementsAre(3u, 5u, 4u));
    EXPECT_FALSE(open(gicv5_).interrupt({.bus = 0, .device = 2}, 0));
}

TEST_F(HostBridgeTest, MsisGoWhereTheMapSays)
{
    const auto target = open(gicv3_).msi_target({.bus = 1, .device = 2});
    ASSERT_TRUE(target) << target.error().what;
    EXPECT_EQ(target->controller, gicv3_->find_compatible("arm,gic-v3-its")->offset());
    EXPECT_EQ(target->device, 0x110u);
    EXPECT_STREQ(open(gicv5_).msi_target({}).error().what,
                 "PCI host bridge without msi-map and msi-parent");
}

class UnusualBridge : public HostBridgeTest {
protected:
    Result<HostBridge> open(const char* path) const { return HostBridge::open(*tree_->find(path)); }
    std::string error(const char* path) const
    {
        const auto bridge = open(path);
        return bridge ? "no error" : bridge.error().what;
    }

    unit::DeviceTree tree_{"pci-bridges"};
    int msi_ = tree_->find("/msi-controller")->offset();
};

TEST_F(UnusualBridge, TheFirstBusNeedNotBe0)
{
    const HostBridge bridge = *open("/soc/offset");
    EXPECT_EQ(bridge.first_bus(), 0x20u);
    EXPECT_EQ(bridge.bus_config(0x21), (fdt::Region{0x3010'0000, 0x10'0000}));
    EXPECT_EQ(bridge.config({.bus = 0x20, .device = 1}), 0x3000'8000u);
}

TEST_F(UnusualBridge, AddressesOnTheBusAreItsOwn)
{
    HostBridge bridge = *open("/soc/offset");
    FakeFunction fake{edu};
    fake.add_memory_bar(0, 0x1000, false);
    // Not bus address 0, which no BAR is told from one without an address.
    EXPECT_EQ(assign(bridge, fake), (fdt::Region{0x5000'1000, 0x1000}));
    EXPECT_EQ(fake.get<BAR>(0).raw, 0x1000u);
}

TEST_F(UnusualBridge, MsiMapsHaveRangesAndAMask)
{
    const HostBridge bridge = *open("/soc/offset");
    const auto device = [&](Address address) {
        const auto target = bridge.msi_target(address);
        EXPECT_TRUE(!target || target->controller == msi_);
        return target ? target->device : ~0U;
    };
    EXPECT_EQ(device({.bus = 0x20, .device = 0, .function = 3}), 0x103u);
    EXPECT_EQ(device({.bus = 0x20, .device = 31, .function = 3}), 0x103u);
    EXPECT_EQ(device({.bus = 0x20, .device = 0, .function = 4}), ~0U);
    EXPECT_EQ(device({.bus = 0x21, .device = 0, .function = 7}), 0x807u);
    EXPECT_EQ(device({.bus = 0x22}), ~0U);
}

TEST_F(UnusualBridge, AnMsiParentKnowsFunctionsByTheirRequesterIds)
{
    const auto target = open("/msi-parent")->msi_target({.bus = 0, .device = 3});
    ASSERT_TRUE(target) << target.error().what;
    EXPECT_EQ(target->controller, msi_);
    EXPECT_EQ(target->device, 0x18u);
    const auto lost = open("/lost-msi")->msi_target({});
    EXPECT_STREQ(lost.error().what, "PCI host bridge's MSI controller not found");
    EXPECT_EQ(lost.error().value, 0xdeadu);
}

TEST_F(UnusualBridge, UnusableOnesAreErrors)
{
    EXPECT_EQ(error("/no-reg"), "no reg");
    EXPECT_EQ(error("/small-reg"),
              "PCI host bridge's reg is smaller than the configuration space of a bus");
    EXPECT_EQ(error("/no-ranges"), "PCI host bridge without ranges");
    EXPECT_EQ(error("/wrong-bus"), "PCI host bridge's bus-range does not begin with a bus");
    EXPECT_EQ(error("/three-cells/bridge"), "#address-cells of a parent is neither 1 nor 2");
}

}  // namespace
