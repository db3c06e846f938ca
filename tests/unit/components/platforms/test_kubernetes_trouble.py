"""What keeps pods from coming up, from what the API says of them."""

from __future__ import annotations

from typing import Any

import pytest

from components.platforms.kubernetes.trouble import of_pod

pytestmark = pytest.mark.unit


def pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "db-1"}, "status": status}


def test_an_image_that_cannot_be_had_is_for_good() -> None:
    waiting = {"image": "nowhere/postgresql:17", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    for kind in ("initContainerStatuses", "containerStatuses"):
        (found,) = of_pod(pod(**{kind: [waiting]}))
        assert found == ("db-1 cannot get its image nowhere/postgresql:17 (ImagePullBackOff)", True)


def test_what_no_node_has_room_for_may_still_come() -> None:
    said = "0/1 nodes are available:\n1 Insufficient memory."
    condition = {"type": "PodScheduled", "status": "False", "message": said}
    (found,) = of_pod(pod(conditions=[condition]))
    assert found == ("no node takes db-1: 0/1 nodes are available: 1 Insufficient memory.", False)


def test_a_pod_that_begins_is_no_trouble() -> None:
    creating = {"image": "there", "state": {"waiting": {"reason": "ContainerCreating"}}}
    assert list(of_pod(pod(containerStatuses=[creating]))) == []
    assert list(of_pod({"metadata": {"name": "db-1"}})) == []
