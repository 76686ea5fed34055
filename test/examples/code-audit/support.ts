/**
 * The shared tools of the audit's tests: packages made of texts, a file system in memory, and a job on a real engine.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, posix } from "node:path"
import { fileURLToPath } from "node:url"
import { configFile, readConfig } from "../../../docs/examples/code-audit/configs.ts"
import { parseManifest } from "../../../docs/examples/code-audit/manifest.ts"
import { audit } from "../../../docs/examples/code-audit/program.ts"
import type { Files } from "../../../docs/examples/code-audit/resolve.ts"
import { Engine, type Job, JobStore, WorkerPool } from "effect-converge"

/** The project's root. */
export const root = fileURLToPath(new URL("../../..", import.meta.url))

/** Files by their path in a package. */
export type Texts = Readonly<Record<string, string | Uint8Array>>

/** Writes a package into a new folder, and removes it when the test is over. */
export const withPackage = async <A>(texts: Texts, body: (directory: string) => Promise<A>): Promise<A> => {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "audit-")))
  try {
    for (const [path, text] of Object.entries({ "package.json": `{"name":"sample","version":"1.2.3"}`, ...texts })) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      writeFileSync(join(directory, path), text)
    }
    return await body(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

export interface RunOptions {
  readonly deep?: boolean
  readonly pool?: WorkerPool.Options
  readonly files?: Layer.Layer<FileSystem.FileSystem>
}

/** Audits an entry on an engine of its own; without threads unless `pool` says otherwise. */
export const runAudit = (entry: string, options: RunOptions = {}): Promise<Job.JobResult<typeof audit>> => {
  const pool = WorkerPool.layer(options.pool ?? { size: 0 })
  const engine = Engine.layer().pipe(Layer.provide(pool), Layer.provide(JobStore.layerMemory))
  return Engine.run(audit, { entry, deep: options.deep ?? false }).pipe(
    Effect.provide(Layer.merge(engine, options.files ?? NodeFileSystem.layer)),
    Effect.runPromise
  )
}

/** Audits a package made of texts. */
export const auditTexts = (
  texts: Texts,
  entry: string,
  options: RunOptions = {}
): Promise<Job.JobResult<typeof audit>> => withPackage(texts, (directory) => runAudit(join(directory, entry), options))

/** The findings of an audit as "rule path:line", in order. */
export const findingsOf = (result: Job.JobResult<typeof audit>): ReadonlyArray<string> =>
  result.output.findings.map(({ rule, path, line }) => `${rule} ${path}${line > 0 ? `:${line}` : ""}`)

/** A file system in memory for the resolver: texts by absolute path. */
export const filesOf = (texts: Readonly<Record<string, string>>): Files => {
  const directories = new Set(Object.keys(texts).flatMap((path) => ancestors(path)))
  const kind: Files["kind"] = (path) =>
    Effect.succeed(path in texts ? "file" : directories.has(path) ? "directory" : "absent")
  const text = (path: string): Effect.Effect<string | undefined> => Effect.sync(() => texts[path])
  const manifest: Files["manifest"] = (directory) =>
    Effect.map(text(posix.join(directory, "package.json")), (found) =>
      found === undefined ? undefined : parseManifest(found)
    )
  return {
    kind,
    manifest,
    configFile: (directory) => configFile({ kind }, directory),
    tsconfig: (path) => readConfig({ kind, manifest, text, note: () => {} }, path),
    realPath: Effect.succeed
  }
}

const ancestors = (path: string): ReadonlyArray<string> => {
  const above = posix.dirname(path)
  return above === path ? [] : [above, ...ancestors(above)]
}

/** About five megabytes on one line, of functions that a parser cannot skip. */
export const minified = (): string => {
  const parts: Array<string> = []
  for (let index = 0, size = 0; size < 5_000_000; index++) {
    const part = `function f${index}(a,b){return a?b(a,${index}):[a,{b:"${index}"}].map(function(c){return c&&f${index >> 1}(c,b)})};`
    parts.push(part)
    size += part.length
  }
  return `import"./next.js";${parts.join("")}export{f0}`
}
