import { auth0 } from '../lib/auth0';

export default async function Home() {
  const session = await auth0.getSession();
  return session ? (
    <main>
      <p id="user">{session.user.sub}</p>
      <a href="/auth/logout">Log out</a>
    </main>
  ) : (
    <main>
      <a href="/auth/login">Log in</a>
    </main>
  );
}
