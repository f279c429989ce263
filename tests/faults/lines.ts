/** A byte stream as lines of text, without their ends. Ending early cancels the stream, and so closes a socket. */
export async function* lines(
  stream: ReadableStream<Uint8Array>,
  options: { preventCancel?: boolean } = {},
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream.values(options)) {
    rest += decoder.decode(chunk, { stream: true });
    const parts = rest.split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
