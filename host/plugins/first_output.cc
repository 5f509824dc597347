// SPDX-License-Identifier: MIT
//
// A QEMU TCG plugin: how many guest instructions run until the console gets its first byte.
//
//     -plugin first_output.so,uart=0x9000000
//
// prints "first output after N instructions" to QEMU's plugin log (-d plugin) at the first store to
// that physical address. All CPUs count together; a translation block counts as a whole, so the
// figure is at most one block too high.
//
// Only the functions used are declared here, as version 7 of QEMU's plugin interface (QEMU 11.1,
// include/plugins/qemu-plugin.h) has them; another QEMU refuses to load the plugin and says why.

#include <atomic>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

using qemu_plugin_id_t = std::uint64_t;
using qemu_plugin_meminfo_t = std::uint32_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW };

using TranslateCallback = void (*)(qemu_plugin_tb*, void* user);
using ExecuteCallback = void (*)(unsigned vcpu, void* user);
using MemoryCallback = void (*)(unsigned vcpu, qemu_plugin_meminfo_t, std::uint64_t address,
                                void* user);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, TranslateCallback, void* user);
void qemu_plugin_register_vcpu_tb_exec_cb(qemu_plugin_tb*, ExecuteCallback, qemu_plugin_cb_flags,
                                          void* user);
void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn*, MemoryCallback, qemu_plugin_cb_flags,
                                      qemu_plugin_mem_rw, void* user);
std::size_t qemu_plugin_tb_n_insns(const qemu_plugin_tb*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(const qemu_plugin_tb*, std::size_t index);
qemu_plugin_hwaddr* qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t, std::uint64_t address);
std::uint64_t qemu_plugin_hwaddr_phys_addr(const qemu_plugin_hwaddr*);
void qemu_plugin_outs(const char* text);

[[gnu::visibility("default")]] extern const int qemu_plugin_version = 7;

[[gnu::visibility("default")]] int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info,
                                                       int argc, char** argv);
}

namespace {

constinit std::uint64_t uart = 0;
constinit std::atomic<std::uint64_t> instructions{0};
constinit std::atomic<bool> reported{false};

void on_execute(unsigned, void* count)
{
    instructions.fetch_add(reinterpret_cast<std::uintptr_t>(count), std::memory_order_relaxed);
}

void on_store(unsigned, qemu_plugin_meminfo_t info, std::uint64_t address, void*)
{
    if (reported.load(std::memory_order_relaxed)) {
        return;
    }
    const qemu_plugin_hwaddr* const physical = qemu_plugin_get_hwaddr(info, address);
    if (physical == nullptr || qemu_plugin_hwaddr_phys_addr(physical) != uart ||
        reported.exchange(true)) {
        return;
    }
    char line[80];
    std::snprintf(line, sizeof(line), "first output after %" PRIu64 " instructions\n",
                  instructions.load());
    qemu_plugin_outs(line);
}

void on_translate(qemu_plugin_tb* block, void*)
{
    const std::size_t count = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_execute, QEMU_PLUGIN_CB_NO_REGS,
                                         reinterpret_cast<void*>(count));
    for (std::size_t i = 0; i < count; ++i) {
        qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(block, i), on_store,
                                         QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_W, nullptr);
    }
}

}  // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t*, int argc, char** argv)
{
    constexpr char name[] = "uart=";
    for (int i = 0; i < argc; ++i) {
        if (std::strncmp(argv[i], name, sizeof(name) - 1) == 0) {
            uart = std::strtoull(argv[i] + sizeof(name) - 1, nullptr, 0);
        } else {
            std::fprintf(stderr, "first_output: unknown argument %s\n", argv[i]);
            return -1;
        }
    }
    if (uart == 0) {
        std::fprintf(stderr, "first_output: uart=ADDRESS is missing\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate, nullptr);
    return 0;
}
