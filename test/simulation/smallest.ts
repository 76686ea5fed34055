/** The smallest case that differs in the same way. Boundary: what of a case may be left out. */
import { shrink, type Simpler } from "../../src/testing/simulation/shrink.ts"
import type { Case } from "./generate.ts"
import { runCase } from "./run.ts"

const simpler: Simpler = {
  optional: [
    "latest",
    "accepts",
    "throwsAt",
    "because",
    "counts",
    "retries",
    "memoize",
    "concurrency",
    "intent"
  ].concat(
    [
      "evaluates",
      "tokens",
      "maxFacts",
      "maxAgents",
      "maxTokens",
      "maxContextBytes",
      "maxCost",
      "maxDuration",
      "maxCpuTime",
      "maxCycles",
      "budget",
      "remainder",
      "onViolation",
      "into"
    ],
    ["failsEvery", "hangsEvery", "sequel", "gapMs", "child", "pays", "reserves", "approvalMs", "onTimeout", "drops"]
  ),
  simplest: {
    order: "fifo",
    scans: false,
    delayMs: 0,
    workers: 1,
    tier: 0,
    takesMs: 0,
    maxDepth: 3,
    maxChildJobs: 10,
    fiberConcurrency: 256,
    attempts: 0,
    rule: "keepLast",
    onFailure: "halt"
  },
  placed: ["signals"]
}

/** The differences of a case: a throw is one, too. */
export const differencesOf = (whole: Case): ReadonlyArray<string> => {
  try {
    return runCase(whole).differences
  } catch (error) {
    return [`thrown: ${String(error)}`]
  }
}

/** The way in which a case differs, without its values. */
const wayOf = (differences: ReadonlyArray<string>): string | undefined =>
  differences[0]?.replace(/^(sequel: )?([^:]*):.*/s, "$1$2").replace(/ ?\d+/g, "")

/** Makes a case that differs smaller, as long as its first difference is of the same kind. */
export const smallestOf = (whole: Case): Case => {
  const way = wayOf(differencesOf(whole))
  return shrink(whole, (smaller) => wayOf(differencesOf(smaller)) === way, simpler)
}
