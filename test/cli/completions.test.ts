/** Completion scripts: commands and flags complete, and files do, as they would without a script. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { converge } from "../support/cli/inProcess.ts"

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), "converge-completions-"))
const scripts = new Map<string, string>()

beforeAll(async () => {
  for (const file of ["audit.ts", "jobs.db", "jobs.json"]) writeFileSync(join(folder, file), "")
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await converge(["--completions", shell])
    expect(code).toBe(0)
    scripts.set(shell, stdout)
  }
  writeFileSync(join(folder, "converge.bash"), scripts.get("bash") ?? "")
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The words that bash offers for the last word of a line. */
const offered = async (line: string): Promise<ReadonlyArray<string>> => {
  const words = line.split(" ")
  const script = [
    "source ./converge.bash",
    `COMP_WORDS=(${words.map((word) => JSON.stringify(word)).join(" ")})`,
    `COMP_CWORD=${words.length - 1}`,
    `COMP_LINE=${JSON.stringify(line)}`,
    `COMP_POINT=${line.length}`,
    // As readline calls it: with the command, the word and the one before.
    `_converge converge ${JSON.stringify(words.at(-1))} ${JSON.stringify(words.at(-2))}`,
    'printf "%s\\n" "${COMPREPLY[@]}"'
  ].join("\n")
  const { stdout } = await run("bash", ["-c", script], { cwd: folder })
  return stdout
    .split("\n")
    .map((word) => word.trim())
    .filter((word) => word !== "")
}

describe("the script for bash", () => {
  it.each([
    ["converge run au", ["audit.ts"]],
    ["converge serve au", ["audit.ts"]],
    ["converge run audit.ts --store jobs", ["jobs.db", "jobs.json"]],
    ["converge run audit.ts --input-file jobs.j", ["jobs.json"]],
    ["converge serve audit.ts --token-file jobs.j", ["jobs.json"]],
    ["converge verify --store jobs.d", ["jobs.db"]],
    ["converge prun", ["prune"]],
    ["converge hel", ["help"]],
    ["converge run audit.ts --input-f", ["--input-file"]]
  ])("completes %s", async (line, words) => {
    expect((await offered(line)).toSorted()).toEqual(words)
  })

  it("leaves to bash what it does not know, which are files", () => {
    const lines = (scripts.get("bash") ?? "").split("\n").filter((line) => line.startsWith("complete "))
    expect(lines).toEqual(["complete -o default -F _converge converge"])
  })
})

describe("the scripts for other shells", () => {
  it("complete files for modules and stores", () => {
    const zsh = scripts.get("zsh") ?? ""
    expect(zsh).toMatch(/--store\[[^\]]*\]:[^:]*:_files'$/m)
    expect(zsh).toMatch(/':The module that exports the program.*:_files'$/m)
    expect(scripts.get("fish")).toMatch(/__fish_seen_subcommand_from run.* -l store .* -r -F$/m)
  })
})
