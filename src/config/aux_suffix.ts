/**
 * `auxSuffix` of the settings: where a log names a subsystem, the one beside it is connected whose NQN ends with the
 * suffix, after a dot. Names of clusters stay as the entries have them. Pure.
 */
import { nqnCharsMax } from "../nvme/nqn.ts";

/** Once: a name that ends so already stays, and so does one that would get longer than an NQN may be. */
export function withAuxSuffix(subsysnqn: string, suffix: string): string {
  if (suffix === "" || subsysnqn.endsWith(`.${suffix}`)) return subsysnqn;
  const name = `${subsysnqn}.${suffix}`;
  return name.length > nqnCharsMax ? subsysnqn : name;
}
