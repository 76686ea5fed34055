/** The lines of docs/http.md, run as they stand against `converge serve`. */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Running, start } from "../support/cli/converge.ts"
import { projectRoot } from "../support/node.ts"

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), "converge-docs-"))
const text = readFileSync(join(projectRoot, "docs/http.md"), "utf8")

/** Each line, and what the comment below it says that it prints. */
const lines = [...text.matchAll(/^(curl .*)\n# (.*)$/gm)].map(([, line = "", shown = ""]) => ({ line, shown }))

/** The pattern of a shown text, with "…" for anything. */
const patternOf = (shown: string): RegExp =>
  new RegExp(
    `^${shown
      .split("…")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join("[^]*")}\\s*$`
  )

let server: Running
let url = ""

beforeAll(async () => {
  const program = join(projectRoot, "docs/examples/ancestors/program.ts")
  let said = ""
  server = start(["serve", program, "--store", join(folder, "jobs.db"), "--port", "0"])
  server.process.stderr?.on("data", (chunk: string) => (said += chunk))
  await server.says(/listening on http\S+/)
  url = /http:\/\/[\w.:]+\d/.exec(said)?.[0] ?? ""
})
afterAll(async () => {
  server.process.kill("SIGTERM")
  await server.ended
  rmSync(folder, { recursive: true, force: true })
})

describe("docs/http.md", () => {
  it("has lines to run", () => {
    expect(lines.length).toBeGreaterThan(12)
    expect([...text.matchAll(/^curl /gm)]).toHaveLength(lines.length)
  })

  it.each(lines)("$line", async ({ line, shown }) => {
    const { stdout } = await run("bash", ["-c", line.replaceAll("localhost:8080", url)])
    expect(stdout).toMatch(patternOf(shown))
  })
})
