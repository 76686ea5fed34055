/** `npm run metta` as people run it: a process with arguments, streams and an exit code. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { parseOptions, usage } from "../../../docs/examples/metta/options.ts"

const main = fileURLToPath(new URL("../../../docs/examples/metta/main.ts", import.meta.url))

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (args: ReadonlyArray<string>, input = ""): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args])
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input)
  })

const withFile = async <A>(text: string, body: (file: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "metta-"))
  try {
    writeFileSync(join(folder, "program.metta"), text)
    return await body(join(folder, "program.metta"))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe("npm run metta", () => {
  it("prints one line for each evaluation, and exits with 0", () =>
    withFile("(= (f) 1) (= (f) 2)\n!(f) !(empty) !(g)", async (file) => {
      expect(await run([file, "--workers", "2"])).toEqual({ code: 0, stdout: "[1, 2]\n[]\n[(g)]\n", stderr: "" })
    }))

  it("exits with 3 if an evaluation failed, and prints all lines", () =>
    withFile("(= (spin) (spin)) !(spin) !(+ 1 1) !(/ 1 0)", async (file) => {
      expect(await run([file, "--max-steps", "9000"])).toEqual({
        code: 3,
        stdout: "[(Error (spin) (StepLimit 9000))]\n[2]\n[(Error (/ 1 0) DivisionByZero)]\n",
        stderr: ""
      })
    }))

  it("explains an evaluation, and names one that is not there", () =>
    withFile("(= (f) 1)\n!(f)", async (file) => {
      const explained = await run([file, "--explain", "1", "--workers", "0"])
      expect(explained).toEqual({
        code: 0,
        stdout: "[1]\n\n!(f)   line 2, column 1\n  1\n    (f)\n      by (= (f) 1)   line 1, column 1\n",
        stderr: ""
      })
      expect(await run([file, "--explain", "2"])).toMatchObject({
        code: 64,
        stderr: "there are 1 evaluations, and no number 2\n"
      })
    }))

  it("prints JSON", () =>
    withFile('!(+ 1 "a")', async (file) => {
      const { stdout } = await run([file, "--json"])
      expect(JSON.parse(stdout)).toEqual({
        evaluation: 1,
        line: 1,
        column: 1,
        text: '(+ 1 "a")',
        results: ['(Error (+ 1 "a") (BadArgType 2 Number String))'],
        failed: true
      })
    }))

  it("evaluates lines as they come, each in the world of those before it", async () => {
    const input =
      "(= (f) 1)\n!(f)\n!(+ 1\n 2)\n!(bind! &kb (new-space))\n!(add-atom &kb (p 1))\n(= (f) 2) !(f)\n!(match &kb (p $x) $x)\n)\n!(f)"
    expect(await run(["--workers", "0"], input)).toEqual({
      code: 3,
      stdout: `[1]\n[3]\n[()]\n[()]\n[1, 2]\n[1]\n[(Error Syntax "line 1, column 1: this ) closes no bracket: remove it")]\n[1, 2]\n`,
      stderr: ""
    })
  })

  it("exits with 64 for arguments that are wrong, and says what is", async () => {
    const { code, stderr } = await run(["nowhere.metta"])
    expect([code, stderr]).toEqual([64, "there is no file nowhere.metta\n"])
    expect((await run(["--explain", "x"])).code).toBe(64)
  })
})

describe("arguments", () => {
  it("are refused in a sentence", () => {
    const problems = [
      ["a", "b"],
      ["--workers", "many"],
      ["--workers", "999"],
      ["--max-steps", "0"],
      ["--explain", "1"],
      ["--unknown"]
    ]
    expect(problems.map((args) => parseOptions(args))).toEqual([
      { problem: "one program at a time, not 2" },
      { problem: '--workers takes a number, not "many"' },
      { problem: "--workers takes at most 256, not 999" },
      { problem: '--max-steps takes a number, not "0"' },
      { problem: "--explain needs a file" },
      { problem: "Unknown option '--unknown'" }
    ])
    expect(parseOptions(["--help"])).toBe("help")
    expect(usage).toContain("20,000,000")
  })
})
