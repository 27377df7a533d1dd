import { auth0, pushing } from './lib/auth0';

export async function proxy(request) {
  const pushed = new URL(request.url).pathname.startsWith('/par/');
  return (pushed ? pushing : auth0).middleware(request);
}

export const config = { matcher: ['/((?!_next/static|_next/image|favicon.ico).*)'] };
