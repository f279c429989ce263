/** Takes the first pieces off a queue as one, of at most `bytesMax` bytes; one piece at least. */
export function takeBatch(queue: Uint8Array[], bytesMax: number): Uint8Array {
  let [count, length] = [0, 0];
  for (const piece of queue) {
    if (count > 0 && length + piece.length > bytesMax) break;
    length += piece.length;
    count++;
  }
  const batch = new Uint8Array(length);
  let at = 0;
  for (const piece of queue.splice(0, count)) {
    batch.set(piece, at);
    at += piece.length;
  }
  return batch;
}
