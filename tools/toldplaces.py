"""The places of the recorded calls, taken apart by hand: what a dispatcher would write on a form.

Each line is the place as it is said, then each part's name and words. The product's own grammar is not
asked, so it can be wrong; a repeated side (东侧围墙边上) stands in the part once, as the first.
"""

from typing import Final

_TOLD: Final = """
1栋大堂|building 1栋|spot 大堂
后门|gate 后门
10号楼|building 10号楼
三楼走廊|floor 3楼|spot 走廊
停车场入口|spot 停车场|exit 入口
保安亭旁边|spot 保安亭|relation 旁边
4栋1单元|building 4栋|unit 1单元
负二层车库|floor 负2层|spot 车库
东北角|relation 东北角
五楼天台|floor 5楼|spot 天台
篮球场|spot 篮球场
2号门|gate 2号门
15栋|building 15栋
侧门|gate 侧门
3号楼电梯间|building 3号楼|spot 电梯间
小卖部门口|spot 小卖部|relation 门口
8栋2单元|building 8栋|unit 2单元
北门岗亭|gate 北门|spot 岗亭
二楼食堂|floor 2楼|spot 食堂
地下一层|floor 地下1层
11号楼楼顶|building 11号楼|spot 楼顶
喷水池旁边|spot 喷水池|relation 旁边
5号门|gate 5号门
消防通道|spot 消防通道
6栋|building 6栋
西侧门|gate 西侧门
9号楼大堂|building 9号楼|spot 大堂
超市门口|spot 超市|relation 门口
12栋3单元|building 12栋|unit 3单元
东门岗亭|gate 东门|spot 岗亭
四楼教室|floor 4楼|spot 教室
地下二层|floor 地下2层
7号楼天台|building 7号楼|spot 天台
公厕旁边|spot 公厕|relation 旁边
3号门|gate 3号门
楼梯间|spot 楼梯间
3栋楼下|building 3栋|relation 楼下
东门|gate 东门
2号楼一楼大堂|building 2号楼|floor 1楼|spot 大堂
地下车库|spot 地下车库
5栋2单元|building 5栋|unit 2单元
南门门口|gate 南门|relation 门口
8号楼楼顶|building 8号楼|spot 楼顶
食堂|spot 食堂
北侧停车场|relation 北侧|spot 停车场
4楼电梯口|floor 4楼|spot 电梯口
1号门|gate 1号门
公交站旁边|spot 公交站|relation 旁边
6号楼楼顶|building 6号楼|spot 楼顶
西门|gate 西门
7栋负一层充电棚|building 7栋|floor 负1层|spot 充电棚
12号楼|building 12号楼
操场|spot 操场
B座大堂|building B座|spot 大堂
正门口|gate 正门口
9栋3单元|building 9栋|unit 3单元
2号门北侧|gate 2号门|relation 北侧
三楼美食广场|floor 3楼|spot 美食广场
地铁站出口|spot 地铁站|exit 出口
配电房|spot 配电房
11栋3单元602|building 11栋|unit 3单元|room 602
东侧围墙边上|relation 东侧|spot 围墙
三楼楼梯口|floor 3楼|spot 楼梯口
7幢地下一层|building 7幢|floor 地下1层
北门岗亭旁边|gate 北门|spot 岗亭|relation 旁边
二号教学楼后面|building 2号教学楼|relation 后面
中山路和解放路路口|junction 中山路和解放路路口
一楼大厅|floor 1楼|spot 大厅
9号楼天台|building 9号楼|spot 天台
公交站台对面|spot 公交站台|relation 对面
C座十二层|building C座|floor 12层
负二层停车场|floor 负2层|spot 停车场
16座1201室|building 16座|room 1201室
西门外马路上|gate 西门|spot 马路上
四楼走廊|floor 4楼|spot 走廊
5号楼2单元门口|building 5号楼|unit 2单元|relation 门口
南侧消防通道|relation 南侧|spot 消防通道
二期地库|area 2期|spot 地库
人民路与建设路交叉口|junction 人民路与建设路交叉口
小广场旁边|spot 小广场|relation 旁边
后门垃圾房|gate 后门|spot 垃圾房
A栋楼顶|building A栋|spot 楼顶
地铁B出口|spot 地铁|exit B出口
四号门右边|gate 4号门|relation 右边
"""


def told_places() -> dict[str, dict[str, str]]:
    """Return the parts of each place by its words as said."""
    lines = (line.split("|") for line in _TOLD.strip().splitlines())
    return {place: dict(part.split(" ") for part in parts) for place, *parts in lines}
