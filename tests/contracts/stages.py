"""What stages have in common: posts that are kept as networks keep them."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from monitor.testing.contract import Post

Posts = dict[int, Post]

STILL = {"deletions": "what is gone is no longer shown, and nothing says so", "reach": "it counts no followers"}
STILL |= {"verified": "it verifies nobody"}
ALONE = {"conversation": "nobody can be asked for what stands around it"}


def keeping(posts: Posts) -> Callable[[Post], None]:
    """Show a post, show it anew, or show it no more."""

    def publish(post: Post) -> None:
        if post.deleted:
            posts.pop(post.number)
        else:
            posts[post.number] = post

    return publish


def newest(posts: Posts) -> list[Post]:
    """As most lists are sorted."""
    return sorted(posts.values(), key=lambda post: (post.written_at, post.number), reverse=True)


def numbered(request: web.Request, listed: list[Post], size: int, name: str = "page") -> tuple[list[Post], bool]:
    """A page by its number, from 1 on, and whether there are more."""
    first = (int(request.query.get(name, "1")) - 1) * size
    return listed[first : first + size], first + size < len(listed)
