/** Runs commands for tests, away from the npm run that started the tests. */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

const run = promisify(execFile)

/** The project's root, with a slash at the end. */
export const projectRoot = fileURLToPath(new URL("../..", import.meta.url))

/** The fields of package.json that tests compare with. */
export const manifest = JSON.parse(readFileSync(`${projectRoot}package.json`, "utf8")) as { readonly version: string }

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Variables that npm sets for a script would tell a nested npm that it runs in this project. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(?:npm_(?:package|lifecycle|config_local_prefix|command|execpath)|INIT_CWD|NODE_OPTIONS|VITEST)/.test(name)
    )
  )

/** Runs a command to its end, whatever its exit code. `variables` are set besides those of this process, or unset. */
export const command = async (
  file: string,
  args: ReadonlyArray<string>,
  folder = projectRoot,
  variables: NodeJS.ProcessEnv = {}
): Promise<Finished> => {
  try {
    const options = { cwd: folder, env: { ...environment(), ...variables }, maxBuffer: 64 * 1024 * 1024 }
    return { code: 0, ...(await run(file, [...args], options)) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== "number") throw error
    return { code, stdout: stdout ?? "", stderr: stderr ?? "" }
  }
}

/** Runs Node, the version that runs the tests. */
export const node = (args: ReadonlyArray<string>, folder = projectRoot): Promise<Finished> =>
  command(process.execPath, args, folder)
