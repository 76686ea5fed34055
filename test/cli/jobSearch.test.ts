/** The filters of a list of jobs that a store does not have. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TestClock } from "effect/testing"
import { afterAll, beforeAll } from "vitest"
import { momentOf } from "../../src/cli/jobSearch.ts"
import { converge, jsonOf, runCount } from "../support/cli/inProcess.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-search-"))
const store = join(folder, "jobs.db")
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(async () => {
  for (const id of ["one-a", "two", "one-b", "One-c"])
    await runCount("counting", ["--quiet", "--store", store, "--id", id])
}, 60_000)

describe("a moment of a flag", () => {
  it.effect("is a date, a time, or a duration before now", () =>
    Effect.gen(function* () {
      const now = Date.UTC(2026, 5, 10, 12)
      yield* TestClock.setTime(now)
      expect(yield* momentOf("--since", "7d")).toBe(now - 7 * 86_400_000)
      expect(yield* momentOf("--since", "2026-01-31")).toBe(Date.UTC(2026, 0, 31))
      expect(yield* momentOf("--until", "2026-01-31")).toBe(Date.UTC(2026, 1, 1) - 1)
      expect(yield* momentOf("--since", "2026-01-31T12:30")).toBe(Date.UTC(2026, 0, 31, 12, 30))
      expect(yield* momentOf("--until", "2026-01-31T12:30:00+02:00")).toBe(Date.UTC(2026, 0, 31, 10, 30))
      expect(yield* momentOf("--until", undefined)).toBe(undefined)
      for (const text of ["", "yesterday", "2026", "2026-13-01", "12", "-7d"]) {
        expect((yield* Effect.flip(momentOf("--until", text))).message).toMatch(/^--until needs a date/)
      }
    })
  )
})

describe("a search of a file", () => {
  it("finds jobs page by page, each once", async () => {
    const found: Array<unknown> = []
    let cursor: string | undefined
    do {
      const more = cursor === undefined ? [] : ["--cursor", cursor]
      const page = jsonOf(await converge(["jobs", "--json", "--query", "ONE-", "-n", "1", ...more, "--store", store]))
      found.push(...(page["jobs"] as ReadonlyArray<{ readonly jobId: string }>).map(({ jobId }) => jobId))
      cursor = (page["cursor"] as string | null) ?? undefined
    } while (cursor !== undefined)
    expect(found).toEqual(["One-c", "one-b", "one-a"])
    const refused = await converge(["jobs", "--query", "one", "--before", "1:a", "--store", store])
    expect([refused.code, refused.stdout]).toEqual([64, ""])
    expect(refused.stderr).toContain("--before is not for a search of a file")
  })
})
