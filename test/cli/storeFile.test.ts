/** `--store`: what cannot be opened, and what a store says, as errors of the command that name it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll } from "vitest"
import { JobStore } from "../../src/index.ts"
import type { Host } from "../../src/cli/hostProcess.ts"
import { jobs, type JobsOptions } from "../../src/cli/jobs.ts"
import { open, openExisting, startFailure, storeFailure } from "../../src/cli/storeFile.ts"
import { newJob } from "../support/store/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-cli-"))
afterAll(() => rmSync(folder, { recursive: true }))
const at = (name: string): string => join(folder, name)

mkdirSync(at("folder"))
writeFileSync(at("text"), "hello, this is a text and no database at all\n")

const refusal = (layer: ReturnType<typeof open>) => Effect.flip(Effect.scoped(Layer.build(layer)))

describe("a store that cannot be opened", () => {
  const inFolder = `there is no folder ${at("none")}`
  const notOpened = (path: string, why: string): string => `cannot open the store ${path}: ${why}`

  it.effect.each<[name: string, path: string, message: string]>([
    ["the empty text", "", "--store needs the path of a file"],
    ["blanks", "  ", "--store needs the path of a file"],
    ["memory", ":memory:", notOpened(":memory:", "it has to be a file; without --store nothing is kept")],
    ["a folder", at("folder"), notOpened(at("folder"), "it is a folder")],
    ["a folder with a slash", `${at("folder")}/`, notOpened(`${at("folder")}/`, "it is a folder")],
    ["a device", "/dev/null", notOpened("/dev/null", "it is not a file")],
    ["a file in no folder", at("none/jobs.db"), notOpened(at("none/jobs.db"), inFolder)],
    [
      "a name that cannot be",
      at("x".repeat(300)),
      notOpened(at("x".repeat(300)), "unable to open database file, code 14")
    ]
  ])("is a misuse that names it: %s", ([, path, message]) =>
    Effect.gen(function* () {
      expect(yield* refusal(open(path))).toMatchObject({ _tag: "UsageError", message })
      const existing = message.includes("code 14") ? notOpened(path, "there is no such file") : message
      expect(yield* refusal(openExisting(path))).toMatchObject({ _tag: "UsageError", message: existing })
    })
  )

  it.effect("is one that has what is no database, or is not there to be read", () =>
    Effect.gen(function* () {
      const text = yield* refusal(open(at("text")))
      expect(text).toMatchObject({ _tag: "UsageError" })
      expect(text.message).toMatch(/text: it is not a SQLite database/)
      const message = notOpened(at("none.db"), "there is no such file")
      expect(yield* refusal(openExisting(at("none.db")))).toMatchObject({ _tag: "UsageError", message })
    })
  )
})

describe("a list that goes on", () => {
  it.effect("is refused where the cursor is none of the store's", () =>
    Effect.gen(function* () {
      const store = at("list.db")
      yield* Effect.scoped(Layer.build(open(store)))
      const host = { reserveStdout: Effect.void, write: () => Effect.void } as unknown as Host
      const options: JobsOptions = {
        store,
        server: undefined,
        json: true,
        ...{ status: undefined, program: undefined, limit: undefined },
        ...{ since: undefined, until: undefined, query: undefined },
        cursor: "",
        before: undefined,
        attribute: []
      }
      for (const cursor of ["garbage", ""]) {
        const message = `--cursor: ${JSON.stringify(cursor)} is not a cursor of this store`
        expect(yield* Effect.flip(jobs(host, { ...options, cursor }))).toMatchObject({ _tag: "UsageError", message })
      }
      expect(yield* jobs(host, { ...options, cursor: "12:a" })).toBe(0)
    })
  )
})

describe("a job that somebody holds", () => {
  it.effect("is not gone on with, with exit code 3, and it is said where it is held", () =>
    Effect.gen(function* () {
      const filename = at("held.db")
      yield* Effect.gen(function* () {
        const store = yield* JobStore.JobStore
        yield* store.create(newJob("a"))
        const refused = yield* Effect.flip(store.lease("a"))
        expect(refused).toMatchObject({ reason: "held", message: "the job a is held by this store" })
        for (const failure of [storeFailure(refused), startFailure("", refused)]) {
          expect(failure).toMatchObject({ _tag: "CommandFailed", exitCode: 3, message: refused.message })
        }
        const database = new DatabaseSync(filename)
        const own = String(database.prepare("SELECT owner FROM converge_jobs").get()?.["owner"])
        const heldBy = (owner: string) => {
          database.prepare("UPDATE converge_jobs SET owner = ?").run(owner)
          return Effect.map(Effect.flip(store.lease("a")), ({ message }) => message)
        }
        const [host, pid, began] = own.split("/")
        const parent = `${host}/${process.ppid}//x`
        expect(yield* heldBy([host, pid, began, "x"].join("/"))).toBe(
          "the job a is held by another engine in this process"
        )
        expect(yield* heldBy(parent)).toBe(`the job a is held by an engine in process ${process.ppid} of this machine`)
        expect(yield* heldBy("far.4026531836/12/1/x")).toBe(
          "the job a is held by an engine in process 12 of the machine far"
        )
        expect(yield* heldBy(`${hostname()}.1/12/1/x`)).toContain(`process 12 of the machine ${hostname()}`)
        expect(yield* heldBy("?")).toBe('the job a is held by an engine that is called "?"')
        database.close()
      }).pipe(Effect.provide(open(filename)))
    })
  )
})
