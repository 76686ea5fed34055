import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineConfig } from "vitest/config"

// Packages of others are compiled once, and not by each of a hundred processes. Workers and their children inherit it.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "effect-converge-compile-cache")

// .ci/run names a file here, to print its closing line from.
const report = process.env["CONVERGE_TEST_REPORT"]

const never = ["**/node_modules/**", "test/bench/**"]

/** Files that leave nothing behind in their process: many run in one, which loads the modules once. */
const together = ["test/core/**/*.test.ts", "test/behaviour/**/*.test.ts", "test/machine/**/*.test.ts"]

/** Files of adapters and examples that leave nothing behind either. Fibers and timers are counted in other processes. */
const adapters = ["cli", "client", "examples", "inspector", "server", "simulation", "store", "testing", "workers"].map(
  (room) => `test/${room}/**/*.test.ts`
)

/**
 * Files of both lists that have a process each: they replace something, leave the timers of a page behind, read the metrics or
 * the memory of their process, or look at lines that Effect prints by the console which it has found first.
 */
const alone = [
  ...["g03-mutation", "queued-text", "two-copies"].map((name) => `test/behaviour/${name}.test.ts`),
  ...["broken-store", "catch-up", "ended", "large-past", "proxies", "stalled", "store-health", "telemetry-room"].map(
    (name) => `test/server/${name}.test.ts`
  ),
  ...["damaged-journal", "load", "operations", "routes", "start", "states", "telemetry"].map(
    (name) => `test/server/${name}.test.ts`
  ),
  ...["command", "completions", "inProcess"].map((name) => `test/cli/${name}.test.ts`),
  ...["jobs", "programs", "questions", "times"].map((name) => `test/inspector/console-${name}.test.ts`),
  "test/store/mainThread.test.ts",
  "test/workers/metrics.test.ts"
]

/** Files that take long, and whose subject a shorter test of `npm test` looks at too. `npm run test:long` runs them. */
const long = [
  ...["esbuild", "nesting", "oddFiles", "scale"].map((name) => `test/examples/code-audit/${name}.test.ts`),
  ...["hostile", "narrow"].map((name) => `test/browser/${name}.test.ts`),
  "test/examples/metta/thousand.test.ts",
  "test/integration/serve-ends.test.ts",
  "test/server/stalls.test.ts",
  "test/server/viewers.test.ts"
]

/** Files that do more in `npm run test:long` than in `npm test`. test/support/rounds.ts tells them. */
const both = [
  ...["derivation", "looks", "overview", "waiting"].map((name) => `test/browser/${name}.test.ts`),
  "test/server/openapi.test.ts",
  ...["ends", "found", "simulate"].map((name) => `test/simulation/${name}.test.ts`),
  "test/testing/simulateAdvice.test.ts"
]

/** Files that drive a real browser, which a development dependency brings (test/browser/browser.ts). */
const browser = ["test/browser/**/*.test.ts"]

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: "together", isolate: false, include: together, exclude: [...never, ...alone] } },
      {
        extends: true,
        test: { name: "adapters", isolate: false, include: adapters, exclude: [...never, ...alone, ...long] }
      },
      {
        extends: true,
        test: {
          name: "apart",
          include: ["test/**/*.test.ts"],
          exclude: [...never, ...together, ...adapters, ...long, ...browser]
        }
      },
      { extends: true, test: { name: "alone", include: alone } },
      { extends: true, test: { name: "long", include: [...long, ...both], env: { CONVERGE_TEST_LONG: "1" } } },
      { extends: true, test: { name: "browser", isolate: false, include: browser, exclude: [...never, ...long] } },
      { extends: true, test: { name: "bench", include: ["test/bench/*.test.ts"] } }
    ],
    pool: "forks",
    // One more than a small machine has processors: many tests wait for a browser, for a process or for time.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // For a look at a page, also on a machine with much else to do.
    expect: { poll: { timeout: 20_000, interval: 20 } },
    reporters: report === undefined ? ["default"] : ["default", ["json", { outputFile: report }]],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts", "machines/**/*.ts"]
    }
  }
})
