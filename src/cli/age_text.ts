/** Small texts about amounts, for people: how long, how many. */

/** The two largest units, as short as can be: `0s`, `40s`, `3m12s`, `3h12m`, `9d4h`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return "0s";
  return parts.slice(first, first + 2).filter(([amount]) => amount > 0).map(([amount, unit]) =>
    `${amount}${unit}`
  )
    .join("");
}

/** `1 path`, `2 paths`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
