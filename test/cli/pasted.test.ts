/** Text of programs on a terminal, and in commands that are printed to be pasted into a shell. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { commandLine, idWord, shellWord } from "../../src/cli/pasted.ts"
import { oneLine, printable } from "../../src/cli/text.ts"
import { Agent, Intent, Program } from "../../src/index.ts"
import { converge, module } from "../support/cli/inProcess.ts"
import { type Running, serve, stateOf, until } from "../support/server/harness.ts"

const hostile = [
  "x; touch PWNED #",
  "$(touch PWNED)",
  "`id`",
  "it's",
  "a b",
  "a\\b",
  "*",
  "",
  "~",
  'q"q',
  "-rf",
  "!!",
  "é"
]

/** The arguments that a shell makes of a line. */
const wordsOf = (shell: string, line: string): ReadonlyArray<string> =>
  spawnSync(shell, ["-c", `printf '%s\\0' ${line}`], { encoding: "utf8" })
    .stdout.split("\0")
    .slice(0, -1)

/** A program that asks for one decision for each of these ids. */
const asked = ["-rf", "x; touch PWNED #", "\ud800", '"a"', "\u202eevil"]
const hostileAsks = Program.make("hostile-asks", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", {
      execute: () => Effect.succeed({ intents: asked.map((id) => Intent.approval({ id, question: `\u202e${id}` })) })
    })
  ]
})

describe("a printed command", () => {
  it("is read back by a shell as the words that were meant, and runs nothing", () => {
    expect(wordsOf("sh", hostile.map(shellWord).join(" "))).toEqual(hostile)
    expect(wordsOf("bash", shellWord("a\n\u0007'\\b"))).toEqual(["a\n\u0007'\\b"])
    expect(shellWord("audit-42")).toBe("audit-42")
  })

  it("has an id as JSON if no argument can hold it, and -- before one that looks like a flag", () => {
    expect(idWord("\ud800")).toBe(`'"\\ud800"'`)
    expect(idWord('"a"')).toBe(`'"\\"a\\""'`)
    expect(idWord("\u202e")).toBe(`'"\\u202e"'`)
    expect(commandLine("approve", ["j", idWord("-rf")], [["--server", "http://a"]])).toBe(
      "converge approve --server http://a -- j -rf"
    )
    expect(commandLine("approve", ["j", idWord("a b")], [["--server", "-"]])).toBe(
      "converge approve j 'a b' --server=-"
    )
  })
})

describe("an id as JSON", () => {
  it("finds a fact with a lone surrogate, and a fact whose id is that text comes first", async () => {
    const folder = mkdtempSync(join(tmpdir(), "converge-pasted-"))
    const place = ["--store", join(folder, "jobs.db")]
    const made = await converge(["run", module("surrogates"), "--id", "s", "--quiet", ...place])
    expect([made.code, made.stdout]).toMatchObject([0, expect.not.stringMatching(/\p{Cs}/u)])
    const named: ReadonlyArray<readonly [text: string, id: string]> = [
      ['"\\ud800"', "\ud800"],
      ['"a"', '"a"'],
      ['"\\"a\\""', '"a"']
    ]
    for (const [text, id] of named) {
      for (const command of ["explain", "lineage"]) {
        const { code, stderr, stdout } = await converge([command, "s", `Note/${text}`, "--json", ...place])
        expect([code, stderr]).toEqual([0, ""])
        expect(stdout).toContain(`"id":${JSON.stringify(id)}`)
      }
    }
    rmSync(folder, { recursive: true })
  })
})

describe("text of programs", () => {
  it("has escapes for controls of direction and for lone surrogates", () => {
    const controls = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ud800"
    expect(printable(controls)).toBe(
      "\\u061c\\u200e\\u200f\\u202a\\u202b\\u202c\\u202d\\u202e\\u2066\\u2067\\u2068\\u2069\\ud800"
    )
    expect(oneLine("a\u202eb\nc\u001b[31m 😀")).toBe("a\\u202eb c\\x1b[31m 😀")
  })
})

describe("approvals with hostile ids", () => {
  let running: Running
  beforeAll(async () => {
    running = await serve({ programs: [hostileAsks] })
    await running.post("/api/v1/jobs", { program: "hostile-asks", id: "j k" }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, "j k")) === "awaiting")
  })
  afterAll(() => running.stop())

  it("are listed with escapes, and each is decided with the command that watch prints", async () => {
    const listed = await converge(["approvals", "--server", running.url])
    expect(listed.stdout).toContain("\\u202e")
    expect(listed.stdout).not.toMatch(/[\p{Cs}\u202e]/u)
    const following = converge(["events", "j k", "--server", running.url])
    expect((await following).stdout).not.toMatch(/[\p{Cs}\u202e]/u)
    for (const id of asked) {
      const line = commandLine("approve", [shellWord("j k"), idWord(id)], [["--server", running.url]])
      const [, ...args] = wordsOf("sh", line)
      const decided = await converge(args)
      expect([id, decided.code, decided.stderr]).toEqual([id, 0, ""])
    }
  })
})
