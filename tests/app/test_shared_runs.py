"""How what waits is shared by the runs that are free: no core idles while another has it all."""

import asyncio

import pytest

from tests.batcher_bench import Bench, run, ticks


@pytest.mark.parametrize(
    ("requests", "sizes"),
    [
        ([1], [1]),
        ([1, 1], [1, 1]),
        ([1] * 6, [3, 3]),
        ([8], [4, 4]),
        ([8, 1], [5, 4]),
        ([1] * 20, [8, 8, 4]),
    ],
)
def test_all_runs_are_free(requests: list[int], sizes: list[int]) -> None:
    async def test() -> None:
        bench = Bench(max_batch_size=8, max_in_flight=2)
        tasks = [bench.submit(*range(num_images)) for num_images in requests]
        await ticks()
        await bench.executor.run_all()
        assert bench.sizes == sizes
        answers = await asyncio.gather(*tasks)
        assert answers == [[i + 1 for i in range(num_images)] for num_images in requests]

    run(test)


def test_the_only_free_run_takes_all_that_it_may() -> None:
    async def test() -> None:
        bench = Bench(max_batch_size=8, max_in_flight=2)
        tasks = [bench.submit(0)]
        await ticks()
        tasks += [bench.submit(i) for i in range(1, 7)]
        await ticks()
        await bench.executor.run_all()
        assert bench.sizes == [1, 6]
        await asyncio.gather(*tasks)

    run(test)
