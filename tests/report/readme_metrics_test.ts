/** The table of metrics that README shows is the one that a scrape gives: names, types, labels. */
import { metricFamilies } from "../../src/report/metric_families.ts";
import { assert, assertEquals } from "../assert.ts";
import { sampleInput } from "./metric_samples.ts";

const words: Readonly<Record<string, readonly string[]>> = {
  "": [],
  endpoint: ["trtype", "traddr", "trsvcid", "nqn", "hostnqn"],
  "those of endpoint less hostnqn": ["trtype", "traddr", "trsvcid", "nqn"],
  cluster: ["nqn", "hostnqn"],
};

Deno.test("README lists every metric with its type and labels, and no other", async () => {
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const rows = [
    ...readme.matchAll(/^\| `((?:discovery|process)_\w+)` +\| (counter|gauge|histogram) +\| ([^|]*?) *\|/gm),
  ];
  assert(rows.length > 30, "README has the table");
  const listed = rows.map(([, name, type, labels = ""]) => {
    const plain = labels.replaceAll("`", "");
    return `${name} ${type} ${(words[plain] ?? plain.split(", ")).join()}`;
  });
  const scraped = metricFamilies(sampleInput()).map(({ name, type, samples: [sample] }) => {
    const names = Object.keys({ ...sample?.shared, ...sample?.labels }).filter((label) => label !== "le");
    return `${name} ${type} ${names.join()}`;
  });
  assertEquals(listed.sort(), scraped.sort());
});
