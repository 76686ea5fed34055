/** The audit as people run it: a process with arguments, streams and an exit code. */
import { spawn } from "node:child_process"
import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { minified, root, runAudit, type Texts, withPackage } from "./support.ts"

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const run = (directory: string, args: ReadonlyArray<string>, interruptAfterMs?: number): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const main = join(root, "docs/examples/code-audit/main.ts")
    const child = spawn(process.execPath, [main, ...args], { cwd: directory })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stdout, stderr }))
    if (interruptAfterMs !== undefined) setTimeout(() => child.kill("SIGINT"), interruptAfterMs)
  })

const sample: Texts = {
  "src/index.ts": `import { a } from "./a.js"; import { closeSync, openSync, readFileSync } from "node:fs"; import dep from "dep"; console.log(a, readFileSync, dep)`,
  "src/a.ts": `import { b } from "./b.js"; export const a = () => b; export const spare = 1`,
  "src/b.ts": `import { a } from "./a.js"; export const b = () => a`
}

describe("npm start", () => {
  it("prints one line of JSON: the result with facts as counts, and no error", () =>
    withPackage(sample, async (directory) => {
      const { code, stdout, stderr } = await run(directory, ["src/index.ts", "--json", "--workers", "2"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout.endsWith("\n")).toBe(true)
      expect(stdout.trimEnd()).not.toContain("\n")
      const result: unknown = JSON.parse(stdout)
      expect(result).toMatchObject({
        program: "code-audit",
        status: "converged",
        error: null,
        diagnostics: [],
        facts: { Module: 3, Link: 5, Request: 1 },
        output: {
          package: "sample",
          version: "1.2.3",
          entry: "src/index.ts",
          modules: 3,
          edges: 3,
          external: 2,
          packages: ["dep"],
          builtins: ["fs"],
          cycles: [{ modules: ["src/a.ts", "src/b.ts"], eager: true }]
        }
      })
      expect(stdout).not.toContain(directory)
    }))

  it("prints a report without colours into a pipe, and writes one page that asks nobody for anything", () =>
    withPackage(sample, async (directory) => {
      const { code, stdout, stderr } = await run(directory, ["src/index.ts", "--html", "report.html", "--workers", "0"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "wrote report.html\n" })
      expect(stdout).toContain("sample@1.2.3  src/index.ts")
      expect(stdout).toContain("3 modules   3 imports   2 external")
      expect(stdout).toContain("src/a.ts:1 -> src/b.ts:1 -> src/a.ts")
      expect(stdout).toContain("converged in")
      expect(stdout).not.toContain("\u001b")
      const page = readFileSync(join(directory, "report.html"), "utf8")
      expect(page).toContain("<svg")
      expect(page).toContain("src/b.ts")
      expect(page).not.toMatch(/(src|href)="?https?:|@import|url\((?!#)|fetch\(/)
      expect(page).not.toContain(directory)
    }))

  it.each([
    ["src/nowhere.js", "there is no file src/nowhere.js to start from\n"],
    ["src", "src is a directory: name the file in it to start from\n"],
    ["src/\u001b[2J", "there is no file src/\\u001b[2J to start from\n"]
  ])("refuses the entry %j in one sentence", (entry, stderr) =>
    withPackage(sample, async (directory) => {
      expect(await run(directory, [entry, "--json", "--workers", "0"])).toEqual({ code: 64, stdout: "", stderr })
    })
  )

  it("says why a page cannot be written, after the report", () =>
    withPackage(sample, async (directory) => {
      const ran = await run(directory, ["src/index.ts", "--html", "gone/report.html", "--workers", "0"])
      expect(ran).toMatchObject({ code: 74, stdout: expect.stringContaining("converged in") })
      expect(ran.stderr).toBe("could not write gone/report.html: ENOENT: no such file or directory\n")
    }))

  it("says why a report cannot be written, and is content with a reader that has seen enough", () =>
    withPackage(sample, async (directory) => {
      const main = join(root, "docs/examples/code-audit/main.ts")
      const ran = async (stdout: number | "pipe"): Promise<Omit<Ran, "stdout">> => {
        const child = spawn(process.execPath, [main, "src/index.ts"], {
          cwd: directory,
          stdio: ["ignore", stdout, "pipe"]
        })
        child.stdout?.destroy()
        let stderr = ""
        child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()))
        return new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })))
      }
      const full = openSync("/dev/full", "w")
      const refused = await ran(full)
      closeSync(full)
      expect(refused).toEqual({
        code: 74,
        stderr: "could not write the report: ENOSPC: no space left on device\n"
      })
      expect(await ran("pipe")).toEqual({ code: 0, stderr: "" })
    }))

  it("leaves no control character in its JSON", () =>
    withPackage({ "a.js": `import "./\u009b2J\u202e\u0007"` }, async (directory) => {
      const { stdout } = await run(directory, ["a.js", "--json", "--workers", "0"])
      expect(stdout.trimEnd()).not.toMatch(/[\p{Cc}\u202e]/u)
      expect(JSON.parse(stdout)).toMatchObject({ output: { findings: [{ subject: "./\u009b2J\u202e\u0007" }] } })
    }))

  it.each([
    [["--nonsense"], "Unknown option '--nonsense'"],
    [["a.js", "b.js"], "one entry at a time"],
    [["--workers", "many"], "--workers takes a number"]
  ])("refuses %j with the usage", async (args, problem) => {
    const { code, stdout, stderr } = await run(root, args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" })
    expect(stderr).toContain(problem)
    expect(stderr).toContain("npm start -- [entry] [options]")
  })

  it("explains itself", async () => {
    expect(await run(root, ["--help"])).toMatchObject({ code: 0, stderr: "" })
  })

  it("cancels on Ctrl-C, and still reports what it came to", () => {
    // One thread has some 12 seconds of parsing before it; the interrupt comes long after the start and long before that.
    const large = Object.fromEntries(["a", "b", "c"].map((name) => [`${name}.js`, minified()]))
    const texts = {
      ...large,
      "index.js": `import "./a.js"; import "./b.js"; import "./c.js"; import "./gone.js"`,
      "next.js": ""
    }
    return withPackage(texts, async (directory) => {
      const { code, stdout } = await run(directory, ["index.js", "--json", "--workers", "1"], 4_000)
      expect(code).toBe(130)
      expect(JSON.parse(stdout)).toMatchObject({
        status: "cancelled",
        error: { _tag: "JobCancelled" },
        facts: { Request: 1, Module: 1, Source: 4 },
        output: { package: "sample", modules: 1, findings: [{ rule: "missing-import", subject: "./gone.js" }] }
      })
    })
  })
})

describe("the job", () => {
  it("has the same hash and findings on any number of threads", async () => {
    const entry = join(root, "node_modules/yaml/dist/index.js")
    const results = []
    for (const size of [0, 1, 2, 4]) results.push(await runAudit(entry, { pool: { size } }))
    expect(new Set(results.map(({ hash }) => hash)).size).toBe(1)
    expect(new Set(results.map(({ output }) => JSON.stringify(output))).size).toBe(1)
    expect(results[0]?.output.modules).toBeGreaterThan(50)
  })

  it("has the same facts wherever the package lies", async () => {
    const outputs = [await withPackage(sample, (path) => runAudit(join(path, "src/index.ts")))]
    outputs.push(await withPackage(sample, (path) => runAudit(join(path, "src/index.ts"))))
    expect(outputs[0]?.output).toEqual(outputs[1]?.output)
  })
})
