/** Backups of a store's file by command, and what looking at a store leaves as it was. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, it, vi } from "vitest"
import { converge, jsonOf, runCount } from "../support/cli/inProcess.ts"

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const root = mkdtempSync(join(tmpdir(), "converge-backup-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const original = join(root, "original.db")
beforeAll(async () => {
  await runCount("squares", ["--json", "--quiet", "--id", "sq", "--store", original, "--workers", "0"])
}, 60_000)

/** A folder of its own, with a copy of the closed store in it. */
const place = () => {
  const folder = mkdtempSync(join(root, "place-"))
  const file = join(folder, "jobs.db")
  copyFileSync(original, file)
  return { folder, file, backup: join(folder, "backup.db") }
}

const contents = (folder: string) =>
  readdirSync(folder)
    .toSorted()
    .map((name) => [name, readFileSync(join(folder, name)).toString("base64")])

describe.concurrent("commands that look at a store", () => {
  it("write neither to it nor beside it", async ({ expect }) => {
    const { file, folder } = place()
    const before = contents(folder)
    const commands = [
      ["jobs"],
      ["show", "sq"],
      ["replay", "sq", "--at", "1"],
      ["diff", "sq", "0", "1"],
      ["events", "sq"],
      ["explain", "sq", "Number/1"],
      ["verify"]
    ]
    const ended = await Promise.all(commands.map((command) => converge([...command, "--store", file])))
    expect(ended.map(({ code }) => code === 0 || code === 64)).toEqual(commands.map(() => true))
    expect(ended.filter(({ code }) => code === 0).length).toBeGreaterThanOrEqual(commands.length - 1)
    expect(contents(folder)).toEqual(before)
  })
})

describe.concurrent("converge backup and restore", () => {
  it("bring a store back, and say where it is", async ({ expect }) => {
    const { backup, file } = place()
    const made = await converge(["backup", backup, "--store", file, "--json"])
    expect(made).toMatchObject({ code: 0, stderr: "" })
    expect(jsonOf(made)).toMatchObject({ filename: backup })
    rmSync(file)
    const restored = await converge(["restore", backup, "--store", file])
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✔ restored .*jobs\.db, /) })
    expect(await converge(["verify", "--store", file])).toMatchObject({ code: 0 })
  })

  it("replace a store only with --force, and then without the log that belonged to it", async ({ expect }) => {
    const { backup, file } = place()
    copyFileSync(file, backup)
    writeFileSync(`${file}-wal`, "a log that another process left")
    const refused = await converge(["restore", backup, "--store", file])
    expect(refused).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("the file exists already: --force")
    })
    expect(await converge(["restore", backup, "--store", file, "--force"])).toMatchObject({ code: 0 })
    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(await converge(["verify", "--store", file])).toMatchObject({ code: 0 })
  })

  it("leave a store alone that a process has open, or for which the backup is damaged", async ({ expect }) => {
    const { backup, file } = place()
    copyFileSync(file, backup)
    const open = new DatabaseSync(file)
    open.prepare("SELECT count(*) FROM converge_jobs").get()
    const busy = await converge(["restore", backup, "--store", file, "--force"])
    expect(busy.stderr).toContain("a process has it open")
    expect(busy.code).not.toBe(0)
    open.close()
    const bytes = readFileSync(backup)
    writeFileSync(backup, Buffer.concat([bytes.subarray(0, 4_096), Buffer.alloc(bytes.length - 4_096, 7)]))
    const before = readFileSync(file)
    const damaged = await converge(["restore", backup, "--store", file, "--force"])
    expect(damaged).toMatchObject({ code: 3, stderr: expect.stringContaining("the backup is damaged") })
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it("refuse a backup that is there already, and one that is not there", async ({ expect }) => {
    const { backup, file } = place()
    writeFileSync(backup, "mine")
    const taken = await converge(["backup", backup, "--store", file])
    expect(taken).toMatchObject({ code: 64, stderr: expect.stringContaining("the file exists already") })
    expect(readFileSync(backup, "utf8")).toBe("mine")
    const none = await converge(["restore", `${backup}.none`, "--store", file])
    expect(none).toMatchObject({ code: 64, stderr: expect.stringContaining("there is no such file") })
  })
})

describe.concurrent("converge verify --store", () => {
  it("finds damage of the file itself, and exits with 3", async ({ expect }) => {
    const { file } = place()
    // The count of free pages, in the file's header: every row of every journal is what was written.
    const bytes = readFileSync(file)
    bytes.writeUInt32BE(bytes.readUInt32BE(36) + 3, 36)
    writeFileSync(file, bytes)
    const ended = await converge(["verify", "--store", file])
    expect(ended.stdout).toMatch(/the file itself is damaged: \d+ problem/)
    expect(ended.code).toBe(3)
    expect(jsonOf(await converge(["verify", "--store", file, "--json"]))).toMatchObject({ isIntact: false })
  })
})
