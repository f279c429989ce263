/** Property tests: the one file that knows fast-check, so that another library can take its place. */
export { default as fc } from "fast-check";
