/** Loads the C library ahead of the tests: it stays for the process, and the older test runner takes that for a leak. */
import { loadLibc } from "../../src/io/libc.ts";

loadLibc();
