/** The world of a real agent: this machine. */
import { AssertionError } from "../base/assert.ts";
import { EntryDirectory } from "../io/entry_directory.ts";
import { EntrySources } from "../io/entry_sources.ts";
import { LinuxKernel } from "../io/linux_kernel.ts";
import { NameResolver } from "../io/name_resolver.ts";
import { RealClock } from "../io/real_clock.ts";
import { createRandom } from "../io/real_random.ts";
import { StateFile } from "../io/state_file.ts";
import { SystemdNotifier } from "../io/systemd_notifier.ts";
import { TcpDialer } from "../io/tcp.ts";
import type { Kernel, Log, World } from "../model/world.ts";

export interface RealWorldOptions {
  readonly clientConfigDir: string;
  readonly internalDir: string;
  /** nvme-cli's own file of entries; empty for none. */
  readonly nvmeDiscoveryConf: string;
  readonly log: Log;
  /** Any connect in the kernel is a bug then. */
  readonly dryRun: boolean;
  /** This machine's when left out. */
  readonly kernel?: Kernel;
}

export function realWorld(options: RealWorldOptions): World {
  const { clientConfigDir, internalDir, nvmeDiscoveryConf, log, dryRun, ...given } = options;
  const clock = new RealClock();
  const kernel = given.kernel ?? new LinuxKernel({
    clock,
    onProblem: ({ message }) => log.warn(`${message}: controllers are compared every few seconds only`),
  });
  return {
    clock,
    random: createRandom(),
    dialer: new TcpDialer(clock, undefined, { onProblem: ({ message }) => log.warn(message) }),
    resolver: new NameResolver(),
    kernel: dryRun ? withoutConnects(kernel) : kernel,
    configDir: nvmeDiscoveryConf === ""
      ? new EntryDirectory(clock, clientConfigDir)
      : new EntrySources(clock, clientConfigDir, nvmeDiscoveryConf),
    store: new StateFile(internalDir),
    log,
    notifier: new SystemdNotifier(({ message }) => log.debug(`systemd is not told: ${message}`)),
  };
}

function withoutConnects(kernel: Kernel): Kernel {
  return {
    connect: () => Promise.reject(new AssertionError("A dry run connects nothing in the kernel")),
    supportedOptions: () => kernel.supportedOptions(),
    controllers: () => kernel.controllers(),
    watch: (onHint) => kernel.watch(onHint),
  };
}
