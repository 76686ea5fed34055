/** G11: what is left of a file's write-ahead log after a machine stopped is a beginning of each journal, and enough. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { randomOf } from "../support/core/random.ts"
import { blowOnce, examineEnd, fileOf, read } from "../support/crash/harness.ts"

const root = mkdtempSync(join(tmpdir(), "converge-log-"))
const whole = join(root, "whole")
/** SQLite's own numbers: the header of a log, and what a page takes in it. */
const headerBytes = 32
const frameBytes = 24 + 4_096

/** As the file was when its process was killed, with so much of its log. */
const copyWith = (name: string, bytes: number | undefined, hasIndex: boolean): string => {
  const folder = join(root, name)
  mkdirSync(folder)
  const suffixes = ["", ...(bytes === undefined ? [] : ["-wal"]), ...(hasIndex ? ["-shm"] : [])]
  for (const suffix of suffixes) copyFileSync(`${fileOf(whole)}${suffix}`, `${fileOf(folder)}${suffix}`)
  if (bytes !== undefined) truncateSync(`${fileOf(folder)}-wal`, bytes)
  return folder
}

/** Looks at a copy, and gives the number of its rows. */
const look = async (name: string, bytes: number | undefined, hasIndex = false): Promise<number> => {
  const all = new Map(read(fileOf(join(root, "reference"))).rows.map((row) => [`${row.jobId} ${row.cycle}`, row.hash]))
  const folder = copyWith(name, bytes, hasIndex)
  const { broken, rows } = read(fileOf(folder))
  expect(broken, name).toEqual([])
  for (const { cycle, hash, jobId } of rows) expect(all.get(`${jobId} ${cycle}`), name).toBe(hash)
  const complaints: Array<string> = []
  await examineEnd(folder, (text) => complaints.push(text))
  expect(complaints, name).toEqual([])
  return rows.length
}

beforeAll(async () => {
  mkdirSync(whole)
  const complaints: Array<string> = []
  const place = { folder: whole, cache: process.env["NODE_COMPILE_CACHE"] ?? join(root, "cache") }
  await blowOnce(place, { point: "after an end", hit: 6 }, "asked", (text) => complaints.push(text))
  expect(complaints).toEqual([])
  copyWith("reference", statSync(`${fileOf(whole)}-wal`).size, false)
}, 60_000)

afterAll(() => rmSync(root, { recursive: true }))

describe("a log that was cut", () => {
  it("anywhere leaves a beginning of each journal, and its jobs end as if nothing had happened", async () => {
    const { size } = statSync(`${fileOf(whole)}-wal`)
    const frames = Math.floor((size - headerBytes) / frameBytes)
    expect(frames).toBeGreaterThan(100)
    const random = randomOf(7)
    const cuts = [
      // Within a page, its header, and at its end; and within the header of the log.
      ...[0.2, 0.5, 0.8].map((part) => headerBytes + Math.floor(frames * part) * frameBytes),
      headerBytes + Math.floor(frames / 3) * frameBytes + 10,
      headerBytes + Math.floor(frames / 2) * frameBytes + 2_000,
      headerBytes - 5,
      ...Array.from({ length: 4 }, () => random.below(size))
    ]
    const found: Array<number> = []
    for (const cut of cuts.toSorted((a, b) => a - b)) {
      found.push(await look(`cut at ${cut}`, cut, found.length % 2 === 1))
    }
    // The more is left of the log, the more is left of the journals.
    expect(found).toEqual(found.toSorted((a, b) => a - b))
    expect(found[0]).toBe(0)
    expect(found.at(-1)).toBeGreaterThan(20)
  }, 60_000)

  it("or is gone, leaves jobs that can be started again", async () => {
    const folder = join(root, "reference")
    expect(existsSync(`${fileOf(folder)}-wal`)).toBe(true)
    expect(await look("gone", undefined)).toBe(0)
    expect(await look("gone, but for its index", undefined, true)).toBe(0)
  })
})
