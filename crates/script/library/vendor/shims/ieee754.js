// Floating point numbers in bytes, for the package `buffer`.

function view(buffer, offset, bytes) {
  return new DataView(buffer.buffer, buffer.byteOffset + offset, bytes);
}

exports.read = (buffer, offset, isLE, mLen, nBytes) =>
  nBytes === 4 ? view(buffer, offset, 4).getFloat32(0, isLE) : view(buffer, offset, 8).getFloat64(0, isLE);

exports.write = (buffer, value, offset, isLE, mLen, nBytes) => {
  if (nBytes === 4) view(buffer, offset, 4).setFloat32(0, value, isLE);
  else view(buffer, offset, 8).setFloat64(0, value, isLE);
};
