/**
 * Folders for files whose way to the disk is measured. Boundary: on a file system that survives a restart of the machine, so
 * that fsync means something. The folder for temporary files may be in memory.
 */
import { existsSync, mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const lasting = "/var/tmp"

/** Makes a new folder; the caller removes it. */
export const diskFolder = (name: string): string =>
  mkdtempSync(join(existsSync(lasting) ? lasting : tmpdir(), `converge-${name}-`))
