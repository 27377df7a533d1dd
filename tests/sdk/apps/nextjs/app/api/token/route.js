import { auth0 } from '../../../lib/auth0';

/** The access token as a route handler gets it; `?refresh` asks for a new one. */
export async function GET(request) {
  try {
    const refresh = new URL(request.url).searchParams.has('refresh');
    return Response.json(await auth0.getAccessToken({ refresh }));
  } catch (error) {
    return Response.json({ code: error.code, message: error.message, cause: error.cause?.code }, { status: 401 });
  }
}
