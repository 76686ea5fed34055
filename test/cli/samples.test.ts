/** The samples of the documentation, run as they stand: lines for a shell, the unit of systemd, and the image of a container. */
import { spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { converge, type Running, start } from "../support/cli/converge.ts"
import { blocksOf, built, commandsOf, type Folder, makeFolder } from "../support/cli/samples.ts"
import { projectRoot } from "../support/node.ts"

vi.setConfig({ testTimeout: 120_000 })

const folders = new Map<string, Folder>()
/** One folder for each page: its lines build on each other. */
const folderOf = (page: string): Folder => {
  const folder = folders.get(page) ?? makeFolder()
  folders.set(page, folder)
  return folder
}
afterAll(async () => {
  for (const { running } of await Promise.all(servers.values())) {
    running.process.kill()
    await running.ended
  }
  folders.forEach(({ remove }) => remove())
})

/** A port of this machine that nobody listens on. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

interface Served {
  readonly url: string
  readonly running: Running
}

/** The servers of the folders, for the lines that ask one. */
const servers = new Map<string, Promise<Served>>()

/** A server with an example of the repository, whose store is in the folder. */
const serve = async (folder: string): Promise<Served> => {
  const port = await freePort()
  const program = join(projectRoot, "docs/examples/ancestors/program.ts")
  const running = start(["serve", program, "--store", "served.db", "--port", String(port)], { folder })
  await running.says(/listening on http/)
  return { url: `http://localhost:${port}`, running }
}

/** The line, with the address of a server that listens. */
const addressed = async (line: string, { path }: Folder): Promise<string> => {
  const address = "http://localhost:8080"
  if (!line.includes(address)) return line
  const served = servers.get(path) ?? serve(path)
  servers.set(path, served)
  return line.replaceAll(address, (await served).url)
}

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

/** Runs a line to its end. A server gets SIGTERM when it listens. */
const runLine = (line: string, { environment, path }: Folder, more: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const env = { ...environment, CONVERGE_PORT: "0", ...more }
    const child = spawn("bash", ["-o", "pipefail", "-c", line], { cwd: path, env, detached: true })
    let stderr = ""
    child.stdout.resume()
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk
      if (/listening on http/.test(stderr)) process.kill(-(child.pid ?? 0), "SIGTERM")
    })
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, stderr }))
  })

const pages = ["README.md", "AGENTS.md", "SECURITY.md"].concat(
  readdirSync(join(projectRoot, "docs"))
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`)
)
const all = pages.flatMap((page) => commandsOf(page).map((line) => ({ page, line })))
const scripts = all.filter(({ line }) => line.startsWith("npm "))
// A test of the server runs those of curl.
const shell = all.filter(({ line }) => !/^(?:npm|curl) /.test(line))

/** A job before the lines of a page that look at one. */
const before: Readonly<Record<string, string>> = {
  "docs/durability.md": "converge run ./audit.ts --id audit-42 --store jobs.db --quiet"
}

describe("a line for a shell", () => {
  it("is there", () => {
    expect(shell.length).toBeGreaterThan(15)
  })

  it.each(shell)("of $page ends well: $line", async ({ line, page }) => {
    const folder = folderOf(page)
    const first = before[page]
    if (first !== undefined && !existsSync(join(folder.path, "jobs.db"))) {
      expect(await runLine(first, folder)).toMatchObject({ code: 0 })
    }
    expect(await runLine(await addressed(line, folder), folder)).toMatchObject({ code: 0 })
  })

  it.each(scripts)("of $page names a script that exists: $line", ({ line }) => {
    const { scripts: known } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      readonly scripts: object
    }
    const named = [...line.matchAll(/npm (?:run )?([\w:]+)/g)].map(([, name = ""]) => name)
    expect(named.filter((name) => name !== "install" && !(name in known))).toEqual([])
  })
})

/** The settings of `NAME=value` pairs. */
const variablesOf = (text: string): Record<string, string> =>
  Object.fromEntries([...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]))

/** The same, with the store in a folder of the test's. */
const here = (variables: Record<string, string>, { path }: Folder): Record<string, string> =>
  Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      name === "CONVERGE_STORE" ? join(path, value.replaceAll("/", "-")) : value
    ])
  )

describe("the unit of systemd", () => {
  const [unit = ""] = blocksOf("docs/operations.md", "ini")
  const valueOf = (key: string): string => new RegExp(`^${key}=(.*)$`, "m").exec(unit)?.[1] ?? ""

  it("starts a server with its variables, and ends it in time", async () => {
    const folder = folderOf("unit")
    const [node = "", file, ...args] = valueOf("ExecStart").split(" ")
    expect([node, file]).toEqual(["/usr/bin/node", built])
    const line = ["exec node", file, ...args].join(" ")
    const variables = variablesOf(valueOf("Environment"))
    expect(variables).toHaveProperty("CONVERGE_DRAIN")
    const { code, stderr } = await runLine(line, folder, here(variables, folder))
    expect(stderr).toMatch(/listening on http.*\n.*shutting down/)
    expect(code).toBe(0)
    // The page says how much longer than its drain a supervisor is to wait.
    const drainS = Number(/^(\d+)s$/.exec(variables["CONVERGE_DRAIN"] ?? "")?.[1])
    expect(Number(valueOf("TimeoutStopSec"))).toBeGreaterThanOrEqual(drainS + 15)
  })
})

describe("the image of a container", () => {
  const [dockerfile = ""] = blocksOf("docs/operations.md", "dockerfile")
  const listOf = (key: string): ReadonlyArray<string> =>
    JSON.parse(new RegExp(`^${key} (\\[.*\\])$`, "m").exec(dockerfile)?.[1] ?? "[]") as ReadonlyArray<string>
  const variables = variablesOf(/^ENV (.*)$/m.exec(dockerfile)?.[1] ?? "")
  const [node, file, ...args] = listOf("CMD")
  const served = args.map((arg) => arg.replace("./dist/", "./"))

  it("starts what the package's command is, which needs a token", async () => {
    expect([node, file]).toEqual(["node", built])
    const { bin } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      readonly bin: Record<string, string>
    }
    expect(built).toBe(join("node_modules/effect-converge", bin["converge"] ?? ""))
    const folder = folderOf("image")
    const refused = await converge(served, { folder: folder.path, environment: here(variables, folder) })
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining("needs a token") as string })
  })

  it("is healthy while the server runs, and not before", async () => {
    const folder = folderOf("image")
    const [command, ...check] = JSON.parse(
      /^HEALTHCHECK CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]"
    ) as ReadonlyArray<string>
    expect(command).toBe("node")
    const isHealthy = async (port: string): Promise<boolean> => {
      const asked = check.map((arg) => arg.replace(":8080", `:${port}`))
      const child = spawn(process.execPath, asked, { stdio: "ignore" })
      return new Promise((resolve) => child.on("close", (code) => resolve(code === 0)))
    }
    expect(await isHealthy("1")).toBe(false)
    const environment = { ...here(variables, folder), CONVERGE_TOKEN: "secret", CONVERGE_PORT: "0" }
    const server = start(served, { folder: folder.path, environment })
    let said = ""
    server.process.stderr?.on("data", (chunk: string) => (said += chunk))
    await server.says(/listening on http.*\n/)
    expect(await isHealthy(/:(\d+),/.exec(said)?.[1] ?? "")).toBe(true)
    server.process.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
  })
})
