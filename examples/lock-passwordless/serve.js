// Bundles the page and serves it on http://localhost:4200, a callback of the client that `gatewright dev` makes.
import esbuild from "esbuild";

const context = await esbuild.context({
  entryPoints: ["app.js"],
  bundle: true,
  outfile: "bundle.js",
  mainFields: ["browser", "module", "main"],
  define: { "process.env.NODE_ENV": '"production"', global: "window" },
});
await context.serve({ servedir: ".", host: "localhost", port: 4200 });
console.log("http://localhost:4200/?client_id=YOUR_CLIENT_ID");
