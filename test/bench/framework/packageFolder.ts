/**
 * The package that the benchmarks of this process measure: the one of this checkout, unless the environment names the folder
 * of another. So `npm run bench:against` runs the same benchmarks on two packages, each in processes of its own.
 *
 * Threads of a process inherit the variable. Its child processes do not (child.ts takes it away), so a forgotten variable
 * does not decide which package `npm run bench` records.
 */
import { fileURLToPath } from "node:url"

export const packageVariable = "CONVERGE_BENCH_PACKAGE"

/** The folder with the `package.json` and the `dist` of the package. */
export const packageFolder = process.env[packageVariable] ?? fileURLToPath(new URL("../../..", import.meta.url))
