/** Commands that run in the process of a test: they print, and exit with, what a process of their own would. */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as apart from "../support/cli/converge.ts"
import * as inProcess from "../support/cli/inProcess.ts"

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-in-process-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const count = inProcess.module("count")

/** A store with a job that has ended and one that nobody runs, and a backup of it. */
const original = join(folder, "original")
beforeAll(async () => {
  mkdirSync(original)
  for (const id of ["sq", "un"]) {
    const args = ["--id", id, "--store", "jobs.db", "--workers", "0", "--quiet"]
    expect(await inProcess.runCount("squares", args, { folder: original })).toMatchObject({ code: 0, stderr: "" })
  }
  const database = new DatabaseSync(join(original, "jobs.db"))
  const job = "(SELECT id FROM converge_jobs WHERE job_id = 'un')"
  database.exec(`DELETE FROM converge_rows WHERE cycle > 1 AND job = ${job};
    DELETE FROM converge_texts WHERE kind = 'end' AND job = ${job};
    UPDATE converge_jobs SET status = NULL, halted_at = NULL WHERE job_id = 'un'`)
  database.close()
  copyFileSync(join(original, "jobs.db"), join(original, "backup.db"))
})

let copies = 0
/** A folder with a copy of the store in it. */
const place = (): string => {
  const path = join(folder, String(++copies), "place")
  cpSync(original, path, { recursive: true })
  return path
}

/** The common part of two runs: times, and the folder's path, differ. */
const common = ({ code, stderr, stdout }: apart.Ended, path: string): apart.Ended => {
  const plain = (text: string) =>
    text
      .replaceAll(path, "a folder")
      .replace(/ +cpu \d[\d.]* m?s\b/g, "")
      .replace(/\d[\d.]* m?s\b/g, "a time")
      .replace(/"(cpuMs|durationMs|createdAt|haltedAt)":"?[^",}]+"?/g, '"$1":0')
  return { code, stdout: plain(stdout), stderr: plain(stderr) }
}

const stored = ["--store", "jobs.db"]

describe.concurrent("a command in the process of a test", () => {
  it.each<[args: ReadonlyArray<string>, environment?: Readonly<Record<string, string>>]>([
    [["run", count, "-p", "squares", "--json", "--quiet", "--id", "a"]],
    [["run", count, "-p", "failing", "--quiet", "--id", "a"], { FORCE_COLOR: "1" }],
    [["run", inProcess.module("one"), "--quiet", "--id", "a"]],
    [["run", inProcess.module("odd"), "-p", "talking", "--quiet", "--id", "a", "--workers", "1"]],
    [["run", count, "--none"]],
    [["run", count, "-p", "counting"], { CONVERGE_LOG_FORMAT: "yaml" }],
    [["resume", count, ...stored, "--json", "--quiet"]],
    [["jobs", ...stored]],
    [["show", "sq", ...stored, "--json"]],
    [["show", "none", ...stored], { CONVERGE_LOG_FORMAT: "text" }],
    [["cancel", "un", ...stored]],
    [["replay", "sq", "--at", "2", ...stored]],
    [["diff", "sq", "1", "3", ...stored]],
    [["explain", "sq", "Number/n/2", ...stored]],
    [["events", "sq", ...stored]],
    [["fork", count, "sq", "--at", "2", "--id", "f", "--json", "--quiet", "--workers", "0", ...stored]],
    [["verify", ...stored]],
    [["verify", count, "-p", "counting", "--workers", "0", "--shuffles", "1", "--quiet"]],
    [["backup", "copy.db", ...stored]],
    [["restore", "backup.db", "--force", ...stored]],
    [["prune", "--older-than", "7d", ...stored]],
    [["serve", count, "--port", "none"]],
    [["machine", "worker"]],
    [["help", "run"]],
    [["--completions", "bash"]],
    [["--version"]]
  ])("prints, and exits with, what a process would: %j", async (args, environment = {}) => {
    const [here, there] = [place(), place()]
    const [seen, expected] = await Promise.all([
      inProcess.converge(args, { folder: here, environment }),
      apart.converge(args, { folder: there, environment })
    ])
    expect(common(seen, here)).toEqual(common(expected, there))
  })
})

describe("a command in the process of a test", () => {
  it("leaves the process as it was", async () => {
    const look = () => ({
      folder: process.cwd(),
      exitCode: process.exitCode,
      environment: { ...process.env },
      flags: process.execArgv,
      console,
      writes: [process.stdout.write, process.stderr.write],
      listeners: ["SIGINT", "SIGTERM", "SIGHUP", "uncaughtException"].map((event) => process.listenerCount(event))
    })
    const before = look()
    expect((await inProcess.converge(["run"], { folder, environment: { FORCE_COLOR: "1" } })).code).toBe(64)
    expect(look()).toEqual(before)
  })

  it("waits for the one before", async () => {
    const versions = await Promise.all(["--version", "-v"].map((flag) => inProcess.converge([flag])))
    expect(versions.map(({ stdout }) => stdout)).toEqual([versions[0]?.stdout, versions[0]?.stdout])
  })
})
