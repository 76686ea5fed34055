/** The example of chapter 8 of the guide: as modules, as a bundle, and as bundles that cannot work. */
import { type BuildOptions, build } from "esbuild"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { closure, settings } from "../../../docs/examples/guide/08-cpu/closure.ts"
import { manifest, node, projectRoot } from "../../support/node.ts"

const example = join(projectRoot, "docs/examples/guide/08-cpu")
const dist = join(projectRoot, "dist/src")

/** Imports of CommonJS packages, which a bundle in the format of ES modules has to find. */
const banner = {
  js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"
}

const shared: BuildOptions = { bundle: true, format: "esm", platform: "node", target: "node22.19", logLevel: "error" }

describe("the primes of ranges", () => {
  // A project that has the example's files, and this package, effect and esbuild installed.
  const project = mkdtempSync(join(tmpdir(), "guide-"))
  const out = join(project, "out")

  beforeAll(() => {
    mkdirSync(join(project, "node_modules"))
    symlinkSync(projectRoot, join(project, "node_modules/effect-converge"))
    for (const name of ["effect", "@effect", "esbuild"]) {
      symlinkSync(join(projectRoot, "node_modules", name), join(project, "node_modules", name))
    }
    for (const name of ["main.ts", "program.ts", "bundle.ts"]) cpSync(join(example, name), join(project, name))
    writeFileSync(join(project, "package.json"), '{"name": "app", "version": "9.9.9", "type": "module"}')
  })

  afterAll(() => rmSync(project, { recursive: true }))

  it("are counted on threads", async () => {
    expect(await node([join(example, "main.ts")])).toEqual({ code: 0, stdout: "9592 primes\n", stderr: "" })
  })

  it("come of functions that see the input, and the module as a thread imported it", async () => {
    const engine = Engine.layer().pipe(Layer.provide([WorkerPool.layer({ size: 1 }), JobStore.layerMemory]))
    settings.factor = 7
    const { output } = await Effect.runPromise(Effect.provide(Engine.run(closure, { factor: 5 }), engine))
    expect(output).toMatchObject({ module: 1, input: 5 })
  })

  it("are counted by a bundle whose program is an entry point of its own", async () => {
    expect(await node(["bundle.ts", "out"], project)).toEqual({ code: 0, stdout: "", stderr: "" })
    expect(await node([join(out, "main.js")], project)).toEqual({ code: 0, stdout: "9592 primes\n", stderr: "" })
  })

  it.each([
    ["runs the job at its top level", "await Effect.runPromise", "an engine was started on a worker thread"],
    ["does not wait for the job", "void Effect.runPromise", 'its module does not export the program "primes"']
  ])("are not counted by a bundle of one entry point that %s: the error says how to bundle", async (_, run, why) => {
    const main = join(project, "one.ts")
    writeFileSync(main, readFileSync(join(example, "main.ts"), "utf8").replace("await Effect.runPromise", run))
    await build({ ...shared, packages: "external", entryPoints: [main], outfile: join(out, "one.js") })
    const { code, stderr, stdout } = await node([join(out, "one.js")], project)
    expect(code).not.toBe(0)
    // The thread imports the module that starts the job, and nothing else.
    expect(stdout + stderr).toContain("AgentPanicked")
    expect(stdout + stderr).toContain(why)
    expect(stdout + stderr).toContain("In a bundle, make the program's module an entry point of its own")
  })

  it("are not counted by a bundle that has this package in it, without its threads: the error says what to do", async () => {
    const options = { ...shared, banner, entryPoints: [join(project, "main.ts"), join(project, "program.ts")] }
    await build({ ...options, splitting: true, outdir: join(out, "whole") })
    const { code, stderr, stdout } = await node([join(out, "whole/main.js")], project)
    expect(code).not.toBe(0)
    expect(stdout + stderr).toContain(
      "no worker could be started: the file entry.js is not beside the code that starts threads with it. A bundler " +
        "leaves it behind: keep effect-converge out of the bundle, as an external package, or add the file to it"
    )
  })

  it("say so where the store's thread is left behind, too", async () => {
    const main = join(project, "durable.ts")
    writeFileSync(
      main,
      `import { JobStore } from "effect-converge"
       import { Effect, Layer } from "effect"
       const built = Effect.scoped(Layer.build(JobStore.layerSqlite({ filename: "jobs.db" })))
       console.log(await Effect.runPromise(Effect.flip(built).pipe(Effect.map((error) => error.message))))`
    )
    await build({ ...shared, banner, entryPoints: [main], outfile: join(out, "durable.js") })
    const { stdout } = await node([join(out, "durable.js")], project)
    expect(stdout).toContain("no thread can write: the file writerThread.js is not beside the code")
  })

  it("are served by a bundle of everything with the files of the threads, under this package's version", async () => {
    const main = join(project, "server.ts")
    writeFileSync(
      main,
      `import { Engine, JobStore, WorkerPool } from "effect-converge"
       import { Server } from "effect-converge/server"
       import { Effect, Layer } from "effect"
       import { primes } from "./program.ts"
       const server = Server.layer({ programs: [primes], port: 0 }).pipe(
         Layer.provide(Engine.layer({ programs: [primes] })),
         Layer.provide(WorkerPool.layer({ size: 2 })),
         Layer.provide(JobStore.layerSqlite({ filename: "jobs.db" }))
       )
       const asked = Effect.gen(function* () {
         const { url } = yield* Server.Server
         const document = yield* Effect.promise(async () => (await fetch(url + "/openapi.json")).json())
         const job = yield* Effect.promise(async () =>
           (await fetch(url + "/api/v1/jobs", {
             method: "POST",
             headers: { "content-type": "application/json" },
             body: JSON.stringify({ program: "primes", input: { upTo: 1000, parts: 2 } })
           })).json())
         console.log(document.info.version, job.output)
       })
       await Effect.runPromise(Effect.provide(asked, server))`
    )
    const threads = {
      writerThread: join(dist, "store/sqlite/writerThread.js"),
      checkThread: join(dist, "store/sqlite/checkThread.js"),
      entry: join(dist, "workers/entry.js"),
      runner: join(dist, "workers/runner.js")
    }
    const entryPoints = { server: main, program: join(project, "program.ts"), ...threads }
    await build({ ...shared, banner, entryPoints, splitting: true, outdir: join(out, "all") })
    const { code, stdout } = await node([join(out, "all/server.js")], project)
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^${manifest.version} 168$`, "m"))
  })
})
