/** The example of chapter 10 of the guide: a process that is killed, and another that goes on. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { node, projectRoot } from "../../support/node.ts"

const main = join(projectRoot, "docs/examples/guide/10-durable/main.ts")

/** Runs the example until it has begun a step, and kills it there. */
const killedAt = (filename: string, step: number): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [main, filename], {
      env: { ...process.env, NODE_OPTIONS: "" },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let said = ""
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes(`works on step ${step}\n`)) child.kill("SIGKILL")
    })
    child.on("close", () => resolve(said))
  })

const stepsIn = (text: string): ReadonlyArray<number> =>
  [...text.matchAll(/^works on step (\d+)$/gm)].map(([, step]) => Number(step))

const endOf = (text: string): string => text.trimEnd().split("\n").at(-1) ?? ""

describe("a job of fifty steps", () => {
  it("goes on after kill -9 from its last committed cycle, and ends as one that was never killed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "guide-"))
    try {
      const whole = await node([main, join(folder, "whole.db")])
      const killed = join(folder, "killed.db")
      const before = stepsIn(await killedAt(killed, 20))
      const { code, stdout } = await node([main, killed])
      expect([whole.code, code]).toEqual([0, 0])
      const after = stepsIn(stdout)
      expect(before.at(-1)).toBeLessThan(50)
      // At most the step under way runs again.
      expect([before.at(-1)!, before.at(-1)! + 1]).toContain(after[0])
      expect(after.at(-1)).toBe(50)
      expect(endOf(stdout)).toBe(endOf(whole.stdout))
      expect(endOf(stdout)).toMatch(/^ends with 569597, hash 0dbcdab862ecfe71[0-9a-f]{48}$/)
      // The backup is a store, too: the job in it has ended, and works no more.
      const copied = await node([main, join(folder, "killed.db.backup")])
      expect({ steps: stepsIn(copied.stdout), end: endOf(copied.stdout) }).toEqual({ steps: [], end: endOf(stdout) })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
