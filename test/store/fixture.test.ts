/**
 * Journals that earlier versions left: this one lists, replays, verifies, explains and goes on with them as they did, to the
 * byte.
 *
 * test/store/fixtures has the files, test/support/store/fixture the programs of the jobs, and what made them.
 */
import { existsSync, readFileSync, statSync } from "node:fs"
import { beforeAll, describe, expect, it, vi } from "vitest"
import { checkPortable } from "../support/houseStyle.ts"
import { damage, damages, textOf } from "../support/store/fixture/account.ts"
import {
  damageAll,
  endAll,
  type Expected,
  forkAll,
  printAll,
  readAll,
  serveAll,
  withCopy
} from "../support/store/fixture/expected.ts"
import { expectationOf, fixtures, journalsOf } from "../support/store/fixture/files.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** The values of lines of JSON. `cycles` counts the last turn of a job since 0.2.0, in every command alike. */
const linesOf = (lines: ReadonlyArray<string>): ReadonlyArray<object> =>
  lines
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line, (key, value: unknown) => (key === "cycles" ? undefined : value)) as object)

const readExpected = (name: string): Expected => JSON.parse(readFileSync(expectationOf(name), "utf8")) as Expected

describe.each(fixtures)("the journals of %s", (name) => {
  const filename = journalsOf(name)
  const expected = readExpected(name)
  const ids = expected.list.map(({ jobId }) => jobId)

  it("are small, complete in one file, and name no machine", () => {
    for (const path of [filename, expectationOf(name)]) {
      expect(statSync(path).size).toBeLessThan(1_000_000)
      expect(checkPortable({ path, text: readFileSync(path, "latin1") })).toEqual([])
    }
    expect([`${filename}-wal`, `${filename}-shm`].filter(existsSync)).toEqual([])
  })

  it("are of jobs that converged, failed, ran out, were cancelled and are unfinished", () => {
    const statuses = new Set(expected.list.map(({ status }) => status ?? "unfinished"))
    expect([...statuses].toSorted()).toEqual(["budget-exhausted", "cancelled", "converged", "failed", "unfinished"])
  })

  describe("are read:", () => {
    let read: Awaited<ReturnType<typeof readAll>>
    beforeAll(async () => {
      read = await readAll(filename)
    })

    it("the list has the same jobs in the same order", () => {
      // Version 0.1.0 did not tell what a job has spent, and which job asked for it.
      const list = read.list.map(({ parent: _parent, spending: _spending, ...job }) => job)
      expect(textOf(list)).toBe(textOf(expected.list))
    })

    it.each(ids)("%s is replayed, verified, explained and told as it was", (id) => {
      expect(textOf(read.jobs[id])).toBe(textOf(expected.jobs[id]))
    })
  })

  describe("are gone on with:", () => {
    let gone: Awaited<ReturnType<typeof endAll>>
    beforeAll(async () => {
      gone = await endAll(filename)
    })

    it.each(ids)("%s is taken up, and has the same end", (id) => {
      expect(textOf(gone.ends[id])).toBe(textOf(expected.ends[id]))
    })

    it("nothing is left unfinished, and every hash is the same", () => {
      expect(textOf(gone.after)).toBe(textOf(expected.after))
      expect(gone.after.filter(({ status }) => status === undefined)).toEqual([])
    })
  })

  it("are forked, and refused to a program that they do not fit", async () => {
    const { survey, ...forks } = await forkAll(filename)
    const { survey: _, ...before } = expected.forks
    expect(textOf(forks)).toBe(textOf(before))
    // A fork is a new job. Since 0.2.0, retention keeps facts that its agents have not read.
    await expect(`${textOf(survey)}\n`).toMatchFileSnapshot(`fixtures/${name}.fork.json`)
  })

  it("are shown by the command line: with the same fields in JSON, and for people as this version words it", async () => {
    const printed = await printAll(filename)
    for (const [index, { args, code, stderr, stdout }] of printed.entries()) {
      const before = expected.cli[index]
      expect({ args, code, stderr }).toEqual({ args: before?.args, code: before?.code, stderr: before?.stderr })
      if (args.includes("--json")) expect(linesOf(stdout)).toMatchObject(linesOf(before?.stdout ?? []))
    }
    const forPeople = printed.filter(({ args }) => !args.includes("--json"))
    const text = forPeople.map(({ args, stdout }) => `$ converge ${args.join(" ")}\n${stdout.join("\n")}`).join("\n")
    await expect(text).toMatchFileSnapshot(`fixtures/${name}.cli.txt`)
  })

  it("are answered with over HTTP in the same words", async () => {
    expect(textOf(await serveAll(filename))).toBe(textOf(expected.http))
  })

  it("are reported corrupt, in the same words, when one character is another", async () => {
    const said = await damageAll(filename)
    expect(textOf(said)).toBe(textOf(expected.damages))
    expect(said.map(({ said }) => "isIntact" in said.verified && said.verified.isIntact)).toEqual(
      damages.map(() => false)
    )
  })

  it("are not read as they were when one character of an effect is another", async () => {
    const [effects] = damages
    await withCopy(filename, async (copy) => {
      if (effects !== undefined) damage(copy, effects)
      await expect(readAll(copy)).rejects.toThrow("the row of cycle 2 of job survey is not what was written: hash")
    })
  })
})
