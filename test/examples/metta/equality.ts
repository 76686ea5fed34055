/** Compares generated programs in sequence, and as jobs on 0, 1, 2 and 4 threads. */
import { expect } from "vitest"
import { generated } from "./generated.ts"
import { linesOf, type RunProgram, withEngine } from "./jobs.ts"
import { run } from "./support.ts"

const limits = { steps: 20_000, depth: 2_000 }

/** Expects the same results of the programs of all seeds, and the same hash of all jobs of a program. */
export const expectEqual = async (seeds: number): Promise<void> => {
  const check = async (engines: ReadonlyArray<RunProgram>): Promise<void> => {
    let evaluations = 0
    let batches = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const text = generated(seed)
      const expected = run(text, limits)
      const results = []
      // The last one once more: no thread may remember anything of the program that shows.
      for (const runProgram of [...engines, ...engines.slice(-1)])
        results.push(await runProgram({ text, maxSteps: limits.steps, maxDepth: limits.depth }))
      for (const result of results) expect(linesOf(result), `program ${seed}\n${text}`).toEqual(expected)
      expect(new Set(results.map(({ hash }) => hash)).size, `program ${seed}\n${text}`).toBe(1)
      evaluations += expected.length
      batches += results[0]?.context.counts()["Batch"] ?? 0
    }
    // The programs have batches of several evaluations.
    expect(evaluations / batches).toBeGreaterThan(1.2)
  }
  await withEngine({ size: 0 }, (none) =>
    withEngine({ size: 1 }, (one) =>
      withEngine({ size: 2 }, (two) => withEngine({ size: 4 }, (four) => check([none, one, two, four])))
    )
  )
}
