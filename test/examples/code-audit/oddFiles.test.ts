/** Whatever a file is or is not, the audit converges and says so in a finding. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as PlatformError from "effect/PlatformError"
import { appendFileSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { auditTexts, findingsOf, minified, runAudit, withPackage } from "./support.ts"

/** Node's file system, with something happening whenever a file of this name is read. */
const filesWith = (
  name: string,
  onRead: (path: string, read: Effect.Effect<Uint8Array, PlatformError.PlatformError>) => typeof read
): Layer.Layer<FileSystem.FileSystem> =>
  Layer.effect(FileSystem.FileSystem)(
    Effect.map(FileSystem.FileSystem, (files) => ({
      ...files,
      readFile: (path: string) => (path.endsWith(name) ? onRead(path, files.readFile(path)) : files.readFile(path))
    }))
  ).pipe(Layer.provide(NodeFileSystem.layer))

describe("an odd file", () => {
  it("with broken syntax is a finding, and the rest of the package is audited", async () => {
    const result = await auditTexts(
      { "a.js": "import './broken.js'; import './b.js'", "broken.js": "let x = = 1", "b.js": "" },
      "a.js"
    )
    expect(result.status).toBe("converged")
    expect(findingsOf(result)).toEqual(["syntax broken.js:1", "empty b.js"])
    expect(result.output).toMatchObject({ modules: 3, edges: 2 })
  })

  it("of 5 MB on one line is parsed, followed and found", { timeout: 120_000 }, async () => {
    const result = await auditTexts({ "a.js": minified(), "next.js": "export const x = 1" }, "a.js")
    expect(result.status).toBe("converged")
    expect(findingsOf(result)).toContain("minified a.js")
    expect(result.output).toMatchObject({ modules: 2, edges: 1, cycles: [] })
    expect(result.output.bytes).toBeGreaterThan(5_000_000)
    expect(result.output.functions).toBeGreaterThan(40_000)
  })

  it("that is too large for the parser's thread is a finding, and the job goes on", async () => {
    const texts = {
      "a.js": "import './large.js'; import './b.js'",
      "large.js": minified(),
      "b.js": "export const b = 1"
    }
    const result = await auditTexts(texts, "a.js", { pool: { size: 1, heapLimitMb: 96 } })
    expect(result.status).toBe("converged")
    expect(findingsOf(result)[0]).toBe("not-parsed large.js")
    expect(result.diagnostics).toMatchObject([{ agent: "parse", each: { kind: "Source", id: "large.js" } }])
    expect(result.output).toMatchObject({ modules: 2 })
  })

  it("that is too large to read is a finding", async () => {
    const result = await auditTexts({ "a.js": "import './large.js'", "large.js": new Uint8Array(16_000_001) }, "a.js")
    expect(findingsOf(result)).toEqual(["too-large large.js"])
  })

  it("that changes while it is read is a finding, and what was read is audited", async () => {
    const files = filesWith("moving.js", (path, read) =>
      Effect.tap(read, () => Effect.sync(() => appendFileSync(path, "//")))
    )
    const result = await auditTexts({ "a.js": "import './moving.js'", "moving.js": "export {}" }, "a.js", { files })
    expect(findingsOf(result)).toEqual(["changed-while-read moving.js"])
    expect(result.output.modules).toBe(2)
  })

  it("that is gone or closed when it is read is a finding", async () => {
    const denied = PlatformError.systemError({ _tag: "PermissionDenied", module: "FileSystem", method: "readFile" })
    const files = filesWith("closed.js", () => Effect.fail(denied))
    const result = await auditTexts({ "a.js": "import './closed.js'", "closed.js": "" }, "a.js", { files })
    expect(result.output.findings).toMatchObject([
      { rule: "unreadable", path: "closed.js", message: "cannot be read: PermissionDenied" }
    ])
  })

  it("that is a directory is a finding: the entry itself, one without an index, one with a file's name", async () => {
    await withPackage({ "a.js": "import './empty'; import './named.js'", "empty/readme.md": "" }, async (directory) => {
      mkdirSync(join(directory, "named.js"))
      expect(findingsOf(await runAudit(directory))).toEqual(["directory ."])
      expect(findingsOf(await runAudit(join(directory, "a.js")))).toEqual([
        "missing-import a.js:1",
        "missing-import a.js:1"
      ])
    })
  })

  it("that is empty is a finding", async () => {
    const result = await auditTexts({ "a.js": "" }, "a.js")
    expect(findingsOf(result)).toEqual(["empty a.js"])
    expect(result.output).toMatchObject({ modules: 1, lines: 0, edges: 0 })
  })

  it("with bytes that are not UTF-8 is a finding, and is read as far as it can be", async () => {
    const text = Buffer.concat([
      Buffer.from("import { b } from './b.js'; b // "),
      Buffer.from([0xff, 0xfe, 0xc3]),
      Buffer.from("\n")
    ])
    const result = await auditTexts({ "a.js": text, "b.js": "export const b = 1" }, "a.js")
    expect(findingsOf(result)).toEqual(["not-utf8 a.js"])
    expect(result.output.modules).toBe(2)
  })

  it("that is nothing but zeroes, or another encoding, is a finding", async () => {
    expect(findingsOf(await auditTexts({ "a.js": new Uint8Array(64) }, "a.js"))).toEqual(["syntax a.js:1"])
    const utf16 = Buffer.from("\ufeffexport const a = 1", "utf16le")
    expect(findingsOf(await auditTexts({ "a.js": utf16 }, "a.js"))).toEqual(["syntax a.js:1", "not-utf8 a.js"])
  })

  it("that is missing is a finding: the entry itself, and an import of it", async () => {
    const entry = await auditTexts({}, "nowhere.js")
    expect(entry.status).toBe("converged")
    expect(findingsOf(entry)).toEqual(["missing nowhere.js"])
    const texts = { "a.js": "import './gone.js'\ntry { require('./optional') } catch {}" }
    const result = await auditTexts(texts, "a.js")
    expect(result.output.findings).toMatchObject([
      { rule: "missing-import", severity: "error", line: 1 },
      { rule: "missing-import", severity: "note", line: 2 }
    ])
  })

  it("that is a package.json or tsconfig.json with broken syntax is a finding, and what it says is passed over", async () => {
    const texts = {
      "sub/package.json": "{",
      "tsconfig.json": "{{",
      "sub/a.ts": "import { b } from './b.js'; b",
      "sub/b.ts": "export const b = 1"
    }
    const result = await auditTexts(texts, "sub/a.ts")
    expect(result.output).toMatchObject({ package: "sample", entry: "sub/a.ts", modules: 2 })
    expect(findingsOf(result)).toEqual(["config sub/package.json", "config tsconfig.json"])
  })
})
